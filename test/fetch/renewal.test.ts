import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { respond } from "../servers/http-server.ts";
import { Latch } from "../tokens/latch.ts";
import { bearerEndpoint } from "./bearer-endpoint.ts";
import { refusing, startRecordingBackend } from "./recording-backend.ts";

type Init = NonNullable<Parameters<typeof fetch>[1]>;

function form(): FormData {
  const data = new FormData();
  data.set("name", "value");
  return data;
}

const replayable: [string, () => Init][] = [
  ["no body", () => ({})],
  ["a string", () => ({ method: "POST", body: "abc" })],
  ["a Buffer", () => ({ method: "POST", body: Buffer.from("abc") })],
  ["an ArrayBuffer", () => ({ method: "POST", body: new Uint8Array([1, 2]).buffer })],
  ["a DataView", () => ({ method: "POST", body: new DataView(new Uint8Array([1, 2]).buffer) })],
  ["URLSearchParams", () => ({ method: "POST", body: new URLSearchParams({ a: "1" }) })],
  ["a FormData", () => ({ method: "POST", body: form() })],
  ["a Blob", () => ({ method: "POST", body: new Blob(["abc"], { type: "text/plain" }) })],
];

/** What matters of a body, with made-up boundaries left out. */
function bodyOf({ headers, body }: { headers: Record<string, unknown>; body: Buffer }) {
  return {
    type: String(headers["content-type"]).replace(/boundary=.*/, ""),
    length: headers["content-length"],
    text: body.toString("latin1").replaceAll(/-{4,}formdata-\S+?(?=\r|--)/g, "…"),
  };
}

describe("a 401 for a revoked token", () => {
  test.each(replayable)("is renewed and replayed once: %s", async (_what, make) => {
    const backend = await startRecordingBackend(refusing("token-1"));
    const { answers, security, wrapped } = bearerEndpoint(backend.origin);
    const rejected: unknown[] = [];
    security.on("credentialsRejected", (event) => rejected.push(event));
    const response = await wrapped("/orders", make());
    expect(response.status).toBe(200);
    const [first, second, ...more] = backend.requests;
    if (first === undefined || second === undefined) throw new Error("two were due");
    expect(more).toEqual([]);
    expect(bodyOf(second)).toEqual(bodyOf(first));
    expect(second.method).toBe(first.method);
    expect(second.headers.authorization).toBe("Bearer token-2");
    expect(answers.count).toBe(2);
    expect(rejected).toEqual([{ endpoint: "orders", status: 401, replayed: true }]);
  });

  test.each(replayable)("is renewed and replayed once: a Request with %s", async (_what, make) => {
    const backend = await startRecordingBackend(refusing("token-1"));
    const { wrapped } = bearerEndpoint(backend.origin);
    const init = { method: "POST", headers: { "X-Mine": "1" }, ...make() };
    const response = await wrapped(new Request(`${backend.origin}/orders`, init));
    expect(response.status).toBe(200);
    const [first, second, ...more] = backend.requests;
    if (first === undefined || second === undefined) throw new Error("two were due");
    expect(more).toEqual([]);
    expect(bodyOf(second)).toMatchObject({ type: bodyOf(first).type, text: bodyOf(first).text });
    expect(second.headers).toMatchObject({ "x-mine": "1", authorization: "Bearer token-2" });
  });

  test("isn't replayed with a stream, but the next call has a new token", async () => {
    const backend = await startRecordingBackend(refusing("token-1"));
    const { answers, security, wrapped } = bearerEndpoint(backend.origin);
    const rejected: unknown[] = [];
    security.on("credentialsRejected", (event) => rejected.push(event));
    const init = () => ({
      method: "POST",
      body: new Blob(["abc"]).stream(),
      duplex: "half" as const,
    });
    const response = await wrapped("/orders", init());
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ error: "invalid_token" });
    expect(rejected).toEqual([
      { endpoint: "orders", status: 401, replayed: false, reason: "body_not_replayable" },
    ]);
    expect((await wrapped("/orders", init())).status).toBe(200);
    expect(backend.requests.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer token-1",
      "Bearer token-2",
    ]);
    expect(answers.count).toBe(2);
  });

  test("isn't replayed with an async iterable", async () => {
    const backend = await startRecordingBackend(refusing("token-1"));
    const { wrapped } = bearerEndpoint(backend.origin);
    async function* chunks() {
      yield Buffer.from("abc");
    }
    const init = { method: "POST", body: chunks(), duplex: "half" as const };
    expect((await wrapped("/orders", init)).status).toBe(401);
    expect(backend.requests.map(({ body }) => String(body))).toEqual(["abc"]);
  });

  test("of a Request with a long body is either replayed whole or comes as it is", async () => {
    const backend = await startRecordingBackend(refusing("token-1"));
    const { wrapped } = bearerEndpoint(backend.origin);
    const body = Buffer.alloc(5 * 1024 * 1024, 7);
    const request = new Request(`${backend.origin}/orders`, { method: "POST", body });
    const response = await wrapped(request);
    expect(response.status).toBe(backend.requests.length === 2 ? 200 : 401);
    for (const sent of backend.requests) expect(sent.body.equals(body)).toBe(true);
  });

  test("a second time comes as it is, and costs one renewal", async () => {
    const backend = await startRecordingBackend(refusing("token-1", "token-2", "token-3"));
    const { answers, wrapped } = bearerEndpoint(backend.origin);
    const response = await wrapped("/orders");
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain("invalid_token");
    expect(await response.json()).toEqual({ error: "invalid_token" });
    expect([backend.requests.length, answers.count]).toEqual([2, 2]);
  });

  test.each([
    ["no challenge", undefined],
    ["a challenge without an error", "Bearer"],
    ["invalid_token", 'Bearer realm="x", error="invalid_token"'],
    ["a broken challenge", 'Bearer error="invalid_token'],
  ])("with %s is renewed", async (_what, challenge) => {
    const backend = await startRecordingBackend((res, { headers }) => {
      if (headers.authorization !== "Bearer token-1") return respond(res, 200);
      respond(
        res,
        401,
        undefined,
        challenge === undefined ? {} : { "www-authenticate": challenge },
      );
    });
    const { wrapped } = bearerEndpoint(backend.origin);
    expect((await wrapped("/orders")).status).toBe(200);
  });

  test("of a request whose body the backend did not read is replayed", async () => {
    const backend = await startRecordingBackend(refusing("token-1"));
    const { wrapped } = bearerEndpoint(backend.origin);
    const body = Buffer.alloc(2 * 1024 * 1024, 7);
    expect((await wrapped("/orders", { method: "POST", body })).status).toBe(200);
  });

  test("whose own body breaks off is replayed all the same", async () => {
    const broken = new Latch();
    const backend = await startRecordingBackend((res, { headers }) => {
      if (headers.authorization !== "Bearer token-1") return respond(res, 200);
      res.writeHead(401, { "content-length": "100" });
      res.on("close", () => broken.open());
      res.write("half", () => res.destroy());
    });
    const { security, endpoint } = bearerEndpoint(backend.origin, {
      fetch: async () => {
        // The renewal takes until the refusal's body has broken off.
        if (backend.requests.length > 0) {
          await broken.opened;
          await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
        }
        return Response.json({ access_token: `token-${backend.requests.length + 1}` });
      },
    });
    const response = await security.wrapFetch(endpoint)("/orders");
    expect(response.status).toBe(200);
  });
});

describe("no renewal is worth it", () => {
  test.each([
    ["a 403", 403, undefined],
    ["a 403 with invalid_token", 403, 'Bearer error="invalid_token"'],
    ["insufficient_scope", 401, 'Bearer error="insufficient_scope", scope="orders:write"'],
    ["insufficient_scope in capitals", 401, "BEARER ERROR=insufficient_scope"],
    [
      "insufficient_scope after Basic",
      401,
      'Basic realm="a, b", Bearer error="insufficient_scope"',
    ],
    ["a 403 with insufficient_scope", 403, 'Bearer error="insufficient_scope"'],
  ])("for %s", async (_what, status, challenge) => {
    const backend = await startRecordingBackend((res) =>
      respond(res, status, "no", challenge === undefined ? {} : { "www-authenticate": challenge }),
    );
    const { answers, security, wrapped } = bearerEndpoint(backend.origin);
    const response = await wrapped("/orders");
    expect([response.status, await response.text()]).toEqual([status, "no"]);
    expect([backend.requests.length, answers.count]).toEqual([1, 1]);
    expect(security.explain(bearerEndpoint(backend.origin).endpoint).token).toBe("usable");
  });

  test.each<[string, (url: string) => EndpointConfig & { url: string }]>([
    ["an API key", (url) => ({ type: "api_key", url, headerName: "X-API-Key", apiKey: "k" })],
    ["Basic", (url) => ({ type: "basic", url, username: "u", password: "p" })],
  ])("for a 401 of %s, which is reported as an event", async (_what, configure) => {
    const backend = await startRecordingBackend((res) => respond(res, 401, "no"));
    const security = new EndpointSecurity();
    const rejected: unknown[] = [];
    security.on("credentialsRejected", ({ replayed }) => rejected.push(replayed));
    const response = await security.wrapFetch(configure(backend.origin))("/orders");
    expect([response.status, await response.text()]).toEqual([401, "no"]);
    expect([backend.requests.length, rejected]).toEqual([1, [false]]);
  });
});

describe("a renewal that fails", () => {
  test("gives the caller the 401 as it came, and the event says why", async () => {
    const backend = await startRecordingBackend(refusing("token-1"));
    let asked = 0;
    const { security, wrapped } = bearerEndpoint(backend.origin, {
      fetch: async () => {
        asked += 1;
        return asked === 1
          ? Response.json({ access_token: "token-1" })
          : Response.json({ error: "invalid_client" }, { status: 401 });
      },
    });
    const failed: string[] = [];
    security.on("tokenRequestFailed", ({ error }) => failed.push(error.code));
    const response = await wrapped("/orders");
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ error: "invalid_token" });
    expect(failed).toEqual(["token_request_rejected"]);
    // There is no token any more: the next call says so instead of sending the refused one.
    await expect(wrapped("/orders")).rejects.toMatchObject({ code: "token_request_rejected" });
    expect(backend.requests).toHaveLength(1);
  });

  test("because the same token is issued again gives the caller the 401", async () => {
    const backend = await startRecordingBackend(refusing("same"));
    const { wrapped } = bearerEndpoint(backend.origin, {
      fetch: async () => Response.json({ access_token: "same" }),
    });
    expect((await wrapped("/orders")).status).toBe(401);
    expect(backend.requests).toHaveLength(1);
  });
});

describe("a caller who aborts while the token is renewed", () => {
  test("gets the signal's reason, as from fetch, and nothing more is sent", async () => {
    const backend = await startRecordingBackend(refusing("token-1"));
    const renewing = new Latch();
    let asked = 0;
    const { wrapped } = bearerEndpoint(backend.origin, {
      fetch: async () => {
        asked += 1;
        if (asked === 1) return Response.json({ access_token: "token-1" });
        renewing.open();
        return new Promise(() => {});
      },
    });
    const controller = new AbortController();
    const call = wrapped("/orders", { signal: controller.signal });
    await renewing.opened;
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect(backend.requests).toHaveLength(1);
  });
});

describe("a hundred requests in flight with a revoked token", () => {
  test("cost one renewal, and none fails", async () => {
    const backend = await startRecordingBackend(refusing("token-1"));
    const { answers, security, endpoint, wrapped } = bearerEndpoint(backend.origin);
    await security.getToken(endpoint);
    const responses = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        wrapped(`/orders/${index}`, { method: "POST", body: `body-${index}` }),
      ),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array(100).fill(200));
    expect(answers.count).toBe(2);
    expect(backend.requests).toHaveLength(200);
  });

  test("cost one renewal also when their refusals come in one by one", async () => {
    const latches = Array.from({ length: 20 }, () => new Latch());
    const backend = await startRecordingBackend(async (res, request) => {
      if (request.headers.authorization === "Bearer token-1") {
        await latches[Number(request.url.slice(1))]?.opened;
      }
      await refusing("token-1")(res, request);
    });
    const { answers, wrapped } = bearerEndpoint(backend.origin);
    const calls = latches.map((_, index) => wrapped(`/${index}`));
    for (const [index, latch] of latches.entries()) {
      latch.open();
      expect((await calls[index])?.status).toBe(200);
    }
    expect(answers.count).toBe(2);
  });
});

test("refused responses leave no connection behind", async () => {
  const backend = await startRecordingBackend((res, { headers }) => {
    if (headers.authorization !== "Bearer token-1") return respond(res, 200);
    // More than fits into any buffer: unread, it would hold its connection.
    res.writeHead(401).end(Buffer.alloc(4 * 1024 * 1024));
  });
  const { wrapped, security, endpoint } = bearerEndpoint(backend.origin);
  await security.getToken(endpoint);
  const unread = vi.fn();
  process.on("warning", unread);
  onTestFinished(() => void process.off("warning", unread));
  for (let round = 0; round < 20; round++) {
    expect((await wrapped("/orders")).status).toBe(200);
  }
  expect(unread).not.toHaveBeenCalled();
});
