import { openAsBlob } from "node:fs";
import { fileURLToPath } from "node:url";
import { ConfigurationError, type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { describe, expect, test, vi } from "vitest";
import { unchecked } from "../configuration/unchecked.ts";
import { respond } from "../servers/http-server.ts";
import { Latch } from "../tokens/latch.ts";
import { bearerEndpoint } from "./bearer-endpoint.ts";
import { startRecordingBackend } from "./recording-backend.ts";

type Init = NonNullable<Parameters<typeof fetch>[1]>;

function form(): FormData {
  const data = new FormData();
  data.set("name", "ä");
  data.set("file", new File([new Uint8Array([0, 255, 10])], "x.bin"));
  return data;
}

function stream(): ReadableStream<Uint8Array> {
  return new Blob(["abc", "def"]).stream();
}

/** Each kind of body, made anew on each call. */
const bodies: [string, () => Init][] = [
  ["a string", () => ({ body: "äöü" })],
  ["an empty string", () => ({ body: "" })],
  ["a Buffer", () => ({ body: Buffer.from([0, 255, 10, 13]) })],
  [
    "a typed array over part of a buffer",
    () => ({ body: new Uint8Array([1, 2, 3, 4]).subarray(1, 3) }),
  ],
  ["a DataView", () => ({ body: new DataView(new Uint8Array([1, 2, 3]).buffer) })],
  ["an ArrayBuffer", () => ({ body: new Uint8Array([0, 255, 10]).buffer })],
  ["URLSearchParams", () => ({ body: new URLSearchParams({ a: "1 2", b: "ä" }) })],
  ["a FormData", () => ({ body: form() })],
  ["a Blob with a type", () => ({ body: new Blob(["{}"], { type: "application/json" }) })],
  ["a Blob without a type", () => ({ body: new Blob(["{}"]) })],
  ["a File", () => ({ body: new File(["abc"], "x.txt", { type: "text/plain" }) })],
  ["a stream", () => ({ body: stream(), duplex: "half" })],
  ["a megabyte", () => ({ body: Buffer.alloc(3 * 1024 * 1024, 7) })],
];

/** Boundaries are made up anew each time. */
function normalised({ headers, body, method }: { headers: object; body: Buffer; method: string }) {
  const text = body.toString("latin1");
  const kept = Object.entries(headers)
    .filter(([name]) => /^(content-|transfer-|x-|accept)/.test(name))
    .map(([name, value]) => [name, String(value).replace(/boundary=.*/, "boundary=…")]);
  return {
    method,
    headers: Object.fromEntries(kept),
    body: text.replaceAll(/-{4,}formdata-\S+?(?=\r|--)/g, "…"),
  };
}

describe.each(bodies)("%s as a body", (_what, make) => {
  test("arrives as it does with plain fetch", async () => {
    const backend = await startRecordingBackend();
    const { wrapped } = bearerEndpoint(backend.origin);
    const init = () => ({ method: "POST", headers: { "X-Mine": "1" }, ...make() });
    await fetch(`${backend.origin}/orders`, init());
    await wrapped("/orders", init());
    const [plain, ours] = backend.requests.map(normalised);
    expect(ours).toEqual(plain);
  });

  test("of a Request arrives as it does with plain fetch", async () => {
    const backend = await startRecordingBackend();
    const { wrapped } = bearerEndpoint(backend.origin);
    const request = () => new Request(`${backend.origin}/x`, { method: "PUT", ...make() });
    await fetch(request());
    await wrapped(request());
    const [plain, ours] = backend.requests.map(normalised);
    expect(ours).toEqual(plain);
  });
});

test("a Blob from a file arrives", async () => {
  const backend = await startRecordingBackend();
  const { wrapped } = bearerEndpoint(backend.origin);
  const file = await openAsBlob(fileURLToPath(import.meta.url));
  await wrapped("/orders", { method: "POST", body: file });
  expect(backend.requests[0]?.body.byteLength).toBe(file.size);
});

test("options that name a url, as gaxios' do, are options all the same", async () => {
  const backend = await startRecordingBackend();
  const { wrapped } = bearerEndpoint(backend.origin);
  const url = `${backend.origin}/orders`;
  const init = { url, method: "PUT", headers: new Headers({ "X-Mine": "1" }), body: "x" };
  await wrapped(url, init);
  expect(backend.requests[0]).toMatchObject({ method: "PUT", headers: { "x-mine": "1" } });
  expect(backend.requests[0]?.body.toString()).toBe("x");
});

describe("headers", () => {
  const ways: [string, NonNullable<Init["headers"]>][] = [
    ["a record", { "X-Mine": "1", authorization: "Basic mine", Accept: "text/plain" }],
    [
      "a list",
      [
        ["X-Mine", "1"],
        ["AUTHORIZATION", "Basic mine"],
        ["Accept", "text/plain"],
      ],
    ],
    ["Headers", new Headers({ "X-Mine": "1", Authorization: "Basic mine", Accept: "text/plain" })],
  ];
  test.each(ways)("as %s are sent, but for the caller's Authorization", async (_what, headers) => {
    const backend = await startRecordingBackend();
    const { wrapped } = bearerEndpoint(backend.origin);
    await wrapped("/orders", { headers });
    await wrapped(new Request(`${backend.origin}/orders`, { headers }));
    await wrapped(new Request(`${backend.origin}/orders`, { headers: { a: "b" } }), { headers });
    expect(backend.requests).toHaveLength(3);
    for (const request of backend.requests) {
      expect(request.headers).toMatchObject({
        "x-mine": "1",
        accept: "text/plain",
        authorization: "Bearer token-1",
      });
      expect(request.headers.a).toBeUndefined();
    }
  });

  test("of one name given several times stay together", async () => {
    const backend = await startRecordingBackend();
    const { wrapped } = bearerEndpoint(backend.origin);
    await wrapped("/orders", {
      headers: [
        ["X-Mine", "1"],
        ["X-Mine", "2"],
      ],
    });
    expect(backend.requests[0]?.headers["x-mine"]).toBe("1, 2");
  });

  test("and init of the caller stay as they were", async () => {
    const backend = await startRecordingBackend();
    const { wrapped } = bearerEndpoint(backend.origin);
    const headers = new Headers({ "X-Mine": "1" });
    const init = Object.freeze({ method: "POST", body: "x", headers });
    await wrapped("/orders", init);
    expect([...headers]).toEqual([["x-mine", "1"]]);
  });

  test("of an API key replace the caller's, under any spelling", async () => {
    const backend = await startRecordingBackend();
    const endpoint: EndpointConfig & { url: string } = {
      type: "api_key",
      url: backend.origin,
      headerName: "X-API-Key",
      apiKey: async () => "the-key",
    };
    const wrapped = new EndpointSecurity().wrapFetch(endpoint);
    await wrapped("/orders", { headers: { "x-api-key": "mine", Authorization: "Basic mine" } });
    expect(backend.requests[0]?.headers).toMatchObject({
      "x-api-key": "the-key",
      authorization: "Basic mine",
    });
  });

  test("of Basic are what RFC 7617 says, in UTF-8", async () => {
    const backend = await startRecordingBackend();
    const wrapped = new EndpointSecurity().wrapFetch({
      type: "basic",
      url: backend.origin,
      username: "svc",
      password: async () => "pässword:with:colons",
    });
    await wrapped("/orders");
    const expected = Buffer.from("svc:pässword:with:colons", "utf8").toString("base64");
    expect(backend.requests[0]?.headers.authorization).toBe(`Basic ${expected}`);
  });
});

describe("what else a user of fetch passes", () => {
  test("methods, as fetch writes them", async () => {
    const backend = await startRecordingBackend();
    const { wrapped } = bearerEndpoint(backend.origin);
    const methods = ["GET", "get", "POST", "post", "delete", "PUT", "HEAD", "OPTIONS", "PATCH"];
    for (const method of methods) await fetch(backend.origin, { method });
    for (const method of methods) await wrapped("", { method });
    const seen = backend.requests.map(({ method }) => method);
    expect(seen.slice(methods.length)).toEqual(seen.slice(0, methods.length));
  });

  test("a Request with an init that changes it", async () => {
    const backend = await startRecordingBackend();
    const { wrapped } = bearerEndpoint(backend.origin);
    const make = () => new Request(`${backend.origin}/orders`, { method: "POST", body: "old" });
    const init = { method: "PUT", body: "new", headers: { "X-Mine": "1" } };
    await fetch(make(), init);
    await wrapped(make(), init);
    const [plain, ours] = backend.requests.map(normalised);
    expect(ours).toEqual(plain);
  });

  test("a Request in the place of init", async () => {
    const backend = await startRecordingBackend();
    const { wrapped } = bearerEndpoint(backend.origin);
    const make = () =>
      new Request("https://x.test/", { method: "PUT", body: "abc", headers: { "X-Mine": "1" } });
    await fetch(`${backend.origin}/orders`, make());
    await wrapped("/orders", make());
    const [plain, ours] = backend.requests.map(normalised);
    expect(ours).toEqual(plain);
  });

  test("a Request that was used before is refused as fetch refuses it", async () => {
    const backend = await startRecordingBackend();
    const { wrapped } = bearerEndpoint(backend.origin);
    const request = new Request(backend.origin, { method: "POST", body: "abc" });
    await wrapped(request);
    await expect(fetch(request)).rejects.toThrow(TypeError);
    await expect(wrapped(request)).rejects.toThrow(TypeError);
    expect(backend.requests).toHaveLength(1);
  });

  test("a GET with a body is refused as fetch refuses it", async () => {
    const backend = await startRecordingBackend();
    const { wrapped } = bearerEndpoint(backend.origin);
    await expect(wrapped("/orders", { body: "x" })).rejects.toThrow(TypeError);
    expect(backend.requests).toHaveLength(0);
  });

  test("a backend that isn't there is fetch's own TypeError", async () => {
    const { wrapped } = bearerEndpoint("http://127.0.0.1:1");
    const call = wrapped("/orders");
    await expect(call).rejects.toThrow(new TypeError("fetch failed"));
  });

  test.each([400, 403, 404, 429, 500, 503])("answers with %i come as they are", async (status) => {
    const backend = await startRecordingBackend((res) => respond(res, status, { a: 1 }));
    const { wrapped, answers } = bearerEndpoint(backend.origin);
    const response = await wrapped("/orders");
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ a: 1 });
    expect(response.redirected).toBe(false);
    expect(response.url).toBe(`${backend.origin}/orders`);
    expect([backend.requests.length, answers.count]).toEqual([1, 1]);
  });
});

describe("a signal", () => {
  test("that aborts while the backend thinks ends the call with its reason", async () => {
    const arrived = new Latch();
    const backend = await startRecordingBackend(() => arrived.open());
    const { wrapped } = bearerEndpoint(backend.origin);
    const ways: ((signal: AbortSignal) => Promise<Response>)[] = [
      (signal) => wrapped("/orders", { signal }),
      (signal) => wrapped(new Request(`${backend.origin}/orders`, { signal })),
      (signal) => wrapped(new Request(`${backend.origin}/orders`), { signal }),
    ];
    for (const send of ways) {
      const controller = new AbortController();
      const call = send(controller.signal);
      await arrived.opened;
      const reason = new Error("enough");
      controller.abort(reason);
      await expect(call).rejects.toBe(reason);
    }
  });

  test("that aborts while the token is on its way ends the call, and nothing is sent", async () => {
    const backend = await startRecordingBackend();
    const asked = new Latch();
    const { wrapped } = bearerEndpoint(backend.origin, {
      fetch: () => {
        asked.open();
        return new Promise(() => {});
      },
    });
    const controller = new AbortController();
    const call = wrapped("/orders", { signal: controller.signal });
    await asked.opened;
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect(backend.requests).toHaveLength(0);
  });

  test("that aborted before ends the call, and nothing is sent", async () => {
    const backend = await startRecordingBackend();
    const { wrapped, answers } = bearerEndpoint(backend.origin);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(wrapped("/orders", { signal })).rejects.toThrow("enough");
    expect([backend.requests.length, answers.count]).toEqual([0, 0]);
  });
});

describe("the fetch that is used", () => {
  test("is the global one of that moment", async () => {
    const { wrapped } = bearerEndpoint("https://orders.example.test/v1");
    const first = vi.fn(async () => new Response("first"));
    const second = vi.fn(async () => new Response("second"));
    try {
      vi.stubGlobal("fetch", first);
      expect(await (await wrapped("/a")).text()).toBe("first");
      vi.stubGlobal("fetch", second);
      expect(await (await wrapped("/a")).text()).toBe("second");
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test("for token requests too is the global one of that moment", async () => {
    const security = new EndpointSecurity();
    const { endpoint } = bearerEndpoint("https://orders.example.test/v1");
    const stub = vi.fn(async () => Response.json({ access_token: "stubbed" }));
    vi.stubGlobal("fetch", stub);
    try {
      expect(await security.getAuthHeader(endpoint)).toBe("Bearer stubbed");
    } finally {
      vi.unstubAllGlobals();
    }
    expect(stub).toHaveBeenCalledTimes(1);
  });

  test("is the one given, and the global one isn't", async () => {
    const { security, endpoint } = bearerEndpoint("https://orders.example.test/v1");
    const given = vi.fn(async (..._: Parameters<typeof fetch>) => new Response("given"));
    const global = vi.fn();
    vi.stubGlobal("fetch", global);
    try {
      const wrapped = security.wrapFetch(endpoint, { fetch: given });
      expect(await (await wrapped("/a", { method: "POST", body: "x" })).text()).toBe("given");
    } finally {
      vi.unstubAllGlobals();
    }
    expect(global).not.toHaveBeenCalled();
    const [input, init] = given.mock.calls[0] ?? [];
    expect(input).toBe("https://orders.example.test/v1/a");
    expect(new Headers(init?.headers).get("authorization")).toBe("Bearer token-1");
  });
});

describe("the configuration that is used", () => {
  test("is the one of that moment, also when it is changed in place", async () => {
    const [one, two] = [await startRecordingBackend(), await startRecordingBackend()];
    const asked: string[] = [];
    const security = new EndpointSecurity({
      fetch: async (_url, init) => {
        asked.push(String(new URLSearchParams(String(init?.body)).get("tenant")));
        return Response.json({ access_token: `token-of-${asked.at(-1)}` });
      },
    });
    const endpoint = {
      url: `${one.origin}/v1`,
      grantType: "client_credentials" as const,
      tokenUrl: "https://idp.example.test/token",
      clientId: "checkout",
      clientSecret: "checkout-secret",
      customParameters: { tenant: "a" },
    };
    const wrapped = security.wrapFetch(endpoint);
    await wrapped("/orders");
    endpoint.customParameters.tenant = "b";
    await wrapped("/orders");
    endpoint.url = `${two.origin}/v2`;
    await wrapped("/orders");
    endpoint.customParameters = { tenant: "a" };
    await wrapped("/orders");
    const seen = [...one.requests, ...two.requests];
    expect(seen.map(({ url, headers }) => `${url} ${headers.authorization}`)).toEqual([
      "/v1/orders Bearer token-of-a",
      "/v1/orders Bearer token-of-b",
      "/v2/orders Bearer token-of-b",
      "/v2/orders Bearer token-of-a",
    ]);
    expect(asked).toEqual(["a", "b"]);
  });

  test("is refused where the wrapper is made if it is wrong, and later if it becomes so", async () => {
    const security = new EndpointSecurity();
    const { endpoint } = bearerEndpoint("https://orders.example.test/v1");
    const wrong = { ...endpoint, clientId: "" };
    expect(() => security.wrapFetch(wrong)).toThrow(ConfigurationError);
    const nowhere = unchecked({ ...endpoint, url: undefined });
    expect(() => security.wrapFetch(nowhere)).toThrow("url");
    const changing = { ...endpoint };
    const wrapped = security.wrapFetch(changing);
    changing.clientId = "";
    await expect(wrapped("/orders")).rejects.toThrow(ConfigurationError);
  });

  test("without a token means no request", async () => {
    const backend = await startRecordingBackend();
    const { wrapped } = bearerEndpoint(backend.origin, {
      fetch: async () => Response.json({ error: "invalid_client" }, { status: 401 }),
    });
    await expect(wrapped("/orders")).rejects.toMatchObject({ code: "token_request_rejected" });
    expect(backend.requests).toHaveLength(0);
  });
});
