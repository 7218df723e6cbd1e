import { EndpointSecurity, type EndpointSecurityEvents } from "endpoint-security";
import nodeFetch from "node-fetch";
import { describe, expect, it } from "vitest";
import { respond } from "../servers/http-server.ts";
import { bearerEndpoint } from "./bearer-endpoint.ts";
import { refusing, startRecordingBackend } from "./recording-backend.ts";

type Fetch = typeof globalThis.fetch;

/** A fetch that is no fetch of Node's, as far as types go. */
const asFetch = (some: unknown) => some as Fetch;

/** Keeps a clone of each response and never reads it, as msw and Next.js do: cancelling never settles. */
const keepingClones = (): Fetch => {
  const kept: Response[] = [];
  return async (input, init) => {
    const response = await fetch(input, init);
    kept.push(response.clone());
    return response;
  };
};

describe.each([
  ["node-fetch", () => asFetch(nodeFetch)],
  ["one that keeps a clone of each response", keepingClones],
])("a wrapped fetch that sends through %s", (_name, make) => {
  it("replays a request after a 401", async () => {
    const backend = await startRecordingBackend(refusing("token-1"));
    const { security, endpoint } = bearerEndpoint(backend.origin);
    const wrapped = security.wrapFetch(endpoint, { fetch: make() });
    const response = await wrapped("/orders", { method: "POST", body: "{}" });
    expect([response.status, await response.json()]).toEqual([200, { ok: true }]);
  });

  it("follows a redirect", async () => {
    const backend = await startRecordingBackend((res, { url }) =>
      url === "/old" ? respond(res, 302, "moved", { location: "/new" }) : respond(res, 200),
    );
    const { security, endpoint } = bearerEndpoint(backend.origin);
    const wrapped = security.wrapFetch(endpoint, { fetch: make() });
    expect((await wrapped("/old")).status).toBe(200);
    expect(backend.requests.map(({ url }) => url)).toEqual(["/old", "/new"]);
  });

  it("answers a Digest challenge", async () => {
    const backend = await startRecordingBackend((res, { headers }) =>
      headers.authorization === undefined
        ? respond(res, 401, "who?", {
            "www-authenticate": 'Digest realm="r", nonce="n", qop="auth"',
          })
        : respond(res, 200),
    );
    const security = new EndpointSecurity();
    const endpoint = { type: "digest", url: backend.origin, username: "u", password: "p" } as const;
    expect((await security.wrapFetch(endpoint, { fetch: make() })("/x")).status).toBe(200);
  });

  it("gets tokens by it", async () => {
    const server = await startRecordingBackend((res) =>
      respond(res, 200, { access_token: "t", token_type: "Bearer", expires_in: 60 }),
    );
    const { endpoint } = bearerEndpoint(server.origin);
    const security = new EndpointSecurity({ fetch: make() });
    const header = security.getAuthHeader({ ...endpoint, tokenUrl: `${server.origin}/token` });
    expect(await header).toBe("Bearer t");
  });
});

describe("a mocked fetch that returns no Response", () => {
  it.each([undefined, { ok: true, json: async () => ({}) }])(
    "is named, and called once: %o",
    async (returned) => {
      let calls = 0;
      const mock = asFetch(async () => {
        calls++;
        return returned;
      });
      const { security, endpoint } = bearerEndpoint("https://orders.example.test");
      await expect(security.wrapFetch(endpoint, { fetch: mock })("/x")).rejects.toThrow(
        "the fetch given returned no Response",
      );
      const own = new EndpointSecurity({ fetch: mock });
      await expect(own.getAuthHeader(endpoint)).rejects.toMatchObject({
        code: "invalid_token_response",
        message: expect.stringContaining("the fetch given returned no Response"),
      });
      expect(calls).toBe(2);
    },
  );

  it("that rejects with something else than an Error fails with a whole sentence", async () => {
    const { endpoint } = bearerEndpoint("https://orders.example.test");
    const fetch = asFetch(() => Promise.reject("no"));
    const security = new EndpointSecurity({ fetch });
    const failure = security.getAuthHeader({ ...endpoint, tokenRequest: { retries: 0 } });
    await expect(failure).rejects.toThrow(/could not be reached; call again later$/);
  });
});

describe("one AbortSignal for many calls", () => {
  it("brings no warning of too many listeners", async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on("warning", listen);
    const { security, endpoint } = bearerEndpoint("https://orders.example.test");
    const { signal } = new AbortController();
    const calls = Array.from({ length: 50 }, () => security.getAuthHeader(endpoint, { signal }));
    await Promise.all(calls);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", listen);
    expect(warnings).toEqual([]);
  });
});

describe("a redirect that leaves the endpoint", () => {
  it("is reported with the advice to change url, where it is answered with 401", async () => {
    const target = await startRecordingBackend((res) => respond(res, 401));
    const backend = await startRecordingBackend((res) =>
      respond(res, 301, "", { location: `${target.origin}/v2/orders?secret=1` }),
    );
    const { security, wrapped } = bearerEndpoint(backend.origin);
    const events: EndpointSecurityEvents["redirectLostCredentials"][] = [];
    security.on("redirectLostCredentials", (event) => events.push(event));
    expect((await wrapped("/orders")).status).toBe(401);
    expect(events).toEqual([
      {
        endpoint: "orders",
        from: `${backend.origin}/orders`,
        to: `${target.origin}/v2/orders`,
        status: 401,
        message: expect.stringContaining("set url to its address"),
      },
    ]);
  });

  it("is not reported where the target answers, as a store of files does", async () => {
    const target = await startRecordingBackend();
    const backend = await startRecordingBackend((res) =>
      respond(res, 302, "", { location: target.origin }),
    );
    const { security, wrapped } = bearerEndpoint(backend.origin);
    const events: unknown[] = [];
    security.on("redirectLostCredentials", (event) => events.push(event));
    expect((await wrapped("/file")).status).toBe(200);
    expect(events).toEqual([]);
  });

  it("is followed to a Location in raw UTF-8", async () => {
    const backend = await startRecordingBackend((res, { url }) => {
      if (url !== "/old") return respond(res, 200);
      res.writeHead(302, { location: Buffer.from("/größe", "utf8").toString("latin1") });
      res.end();
    });
    const { wrapped } = bearerEndpoint(backend.origin);
    expect((await wrapped("/old")).status).toBe(200);
    expect(backend.requests.map(({ url }) => decodeURI(url))).toEqual(["/old", "/größe"]);
  });

  it("takes a Request's body of several MiB along on a 307", async () => {
    const backend = await startRecordingBackend((res, { url }) =>
      url === "/old" ? respond(res, 307, "", { location: "/new" }) : respond(res, 200),
    );
    const { wrapped } = bearerEndpoint(backend.origin);
    const body = Buffer.alloc(3 * 1024 * 1024, "x");
    const request = new Request(`${backend.origin}/old`, { method: "POST", body });
    expect((await wrapped(request)).status).toBe(200);
    expect(backend.requests[1]?.body.length).toBe(body.length);
  });
});

describe("a request that can't be replayed or is replayed with care", () => {
  it("gets an early 401 at once while its body is still being written", async () => {
    const { endpoint, security } = bearerEndpoint("https://orders.example.test");
    const fetch = asFetch(async () => new Response("no", { status: 401 }));
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from("a")),
    });
    const init = { method: "POST", body, duplex: "half" } as const;
    const request = new Request("https://orders.example.test/x", init);
    expect((await security.wrapFetch(endpoint, { fetch })(request)).status).toBe(401);
  });

  it("keeps headers that were given as an iterator", async () => {
    const backend = await startRecordingBackend(refusing("token-1"));
    const { wrapped } = bearerEndpoint(backend.origin);
    const headers = new Map([["x-trace", "42"]]).entries();
    await wrapped("/x", { method: "POST", body: "{}", headers: asHeaders(headers) });
    expect(backend.requests.map(({ headers: sent }) => sent["x-trace"])).toEqual(["42", "42"]);
  });
});

const asHeaders = (some: unknown) => some as Headers;
