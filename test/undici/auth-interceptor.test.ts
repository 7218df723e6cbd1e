import { Readable, Writable } from "node:stream";
import { pipeline as finished } from "node:stream/promises";
import { EndpointSecurity } from "endpoint-security";
import { authInterceptor } from "endpoint-security/undici";
import {
  Agent,
  type Dispatcher,
  FormData,
  interceptors,
  MockAgent,
  pipeline,
  request,
  stream,
  fetch as undiciFetch,
} from "undici";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { unchecked } from "../configuration/unchecked.ts";
import { bearerEndpoint } from "../fetch/bearer-endpoint.ts";
import { refusing, startRecordingBackend } from "../fetch/recording-backend.ts";
import { type RunningBackend, startBackend } from "../servers/backend.ts";
import { startDigestServer } from "../servers/digest-server.ts";
import { respond } from "../servers/http-server.ts";
import { type RunningAuthorizationServer, startOidcProvider } from "../servers/oidc-provider.ts";

let server: RunningAuthorizationServer;
let backend: RunningBackend;
let security: EndpointSecurity;
let dispatcher: Dispatcher;

const endpoint = () => ({
  name: "orders",
  url: backend.url,
  grantType: "client_credentials" as const,
  tokenUrl: server.tokenUrl,
  clientId: "checkout",
  clientSecret: "checkout-secret",
  scope: "orders:read",
});

beforeAll(async () => {
  server = await startOidcProvider();
});
afterAll(() => server.close());

beforeEach(async () => {
  server.resetTokenRequests();
  backend = await startBackend(server);
  security = new EndpointSecurity();
  const agent = new Agent();
  dispatcher = agent.compose(authInterceptor(security, endpoint()));
  return async () => {
    await agent.destroy();
    await security.close();
    await backend.close();
  };
});

async function revokeCurrent(): Promise<void> {
  const { accessToken } = await security.getToken(endpoint());
  backend.revoke(accessToken);
}

/** An agent for an endpoint whose tokens are `token-1`, `token-2`, … */
function agentFor(url: string, further: readonly Dispatcher.DispatcherComposeInterceptor[] = []) {
  const bearer = bearerEndpoint(url);
  const agent = new Agent();
  onTestFinished(() => agent.destroy());
  const composed = agent.compose([...further, authInterceptor(bearer.security, bearer.endpoint)]);
  return { ...bearer, dispatcher: composed };
}

/** Reads the response as each of undici's ways does. */
const ways: readonly (readonly [string, (url: string) => Promise<[number, string]>])[] = [
  [
    "request",
    async (url) => {
      const { statusCode, body } = await request(url, { dispatcher });
      return [statusCode, await body.text()];
    },
  ],
  [
    "stream",
    async (url) => {
      let text = "";
      let status = 0;
      await stream(url, { method: "GET", dispatcher }, ({ statusCode }) => {
        status = statusCode;
        return new Writable({
          write(chunk, _, done) {
            text += chunk;
            done();
          },
        });
      });
      return [status, text];
    },
  ],
  [
    "pipeline",
    async (url) => {
      let text = "";
      let status = 0;
      const duplex = pipeline(url, { method: "GET", dispatcher }, ({ statusCode, body }) => {
        status = statusCode;
        return body;
      });
      duplex.end();
      await finished(duplex, async (source: AsyncIterable<Buffer>) => {
        for await (const chunk of source) text += chunk;
      });
      return [status, text];
    },
  ],
  [
    "its fetch",
    async (url) => {
      const response = await undiciFetch(url, { dispatcher });
      return [response.status, await response.text()];
    },
  ],
  [
    "Node's fetch",
    async (url) => {
      const response = await fetch(url, { dispatcher } as object);
      return [response.status, await response.text()];
    },
  ],
];

describe.each(ways)("through undici's authInterceptor, %s", (way, get) => {
  it("sends the token", async () => {
    const [status, text] = await get(`${backend.url}/42?a=b`);
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      path: "/v1/orders/42",
      query: { a: "b" },
      claims: { client_id: "checkout" },
    });
  });

  it("has a revoked token renewed, and is answered as if nothing had been", async () => {
    await revokeCurrent();
    const [status, text] = await get(`${backend.url}/42`);
    // The body of a pipeline is a stream, which is gone once it was sent.
    expect(status).toBe(way === "pipeline" ? 401 : 200);
    expect(JSON.parse(text)).toMatchObject(
      way === "pipeline" ? { error: "invalid_token" } : { path: "/v1/orders/42" },
    );
    expect((await get(`${backend.url}/42`))[0]).toBe(200);
    expect(server.countTokenRequests()).toBe(2);
  });

  it("is refused elsewhere, and nothing is sent there", async () => {
    const other = await startRecordingBackend();
    for (const url of [`${other.origin}/x`, `${backend.origin}/v1/other`]) {
      const failure = await get(url).catch((error) => error);
      // fetch tells of every failure in its own words, with the reason as its cause.
      expect([failure, failure.cause]).toContainEqual(
        expect.objectContaining({ code: "destination_refused", endpoint: "orders" }),
      );
    }
    expect([other.requests, backend.requests]).toEqual([[], []]);
  });

  it("hands on a 401 that stays one, whole", async () => {
    backend.refuseAll(true);
    const [status, text] = await get(`${backend.url}/42`);
    expect([status, JSON.parse(text)]).toEqual([401, { error: "invalid_token" }]);
  });

  it("fails with the library's error where there is no token", async () => {
    const agent = new Agent();
    onTestFinished(() => agent.destroy());
    const wrong = { ...endpoint(), clientSecret: "wrong" };
    dispatcher = agent.compose(authInterceptor(security, wrong));
    const failure = await get(`${backend.url}/42`).catch((error) => error);
    expect([failure, failure.cause]).toContainEqual(
      expect.objectContaining({ code: "token_request_rejected" }),
    );
    expect(backend.requests).toEqual([]);
  });
});

describe("undici's authInterceptor", () => {
  it.each([
    ["a string", "text", "text"],
    ["a Buffer", Buffer.from("bytes"), "bytes"],
    ["a Uint8Array", new TextEncoder().encode("bytes"), "bytes"],
  ])("sends %s a second time after a 401", async (_, body, sent) => {
    await revokeCurrent();
    const answer = await request(backend.url, { method: "POST", body, dispatcher });
    expect([answer.statusCode, ((await answer.body.json()) as { body: string }).body]).toEqual([
      200,
      sent,
    ]);
    expect(backend.requests.map(({ body }) => body)).toEqual([sent, sent]);
  });

  it("sends a form a second time after a 401", async () => {
    const recording = await startRecordingBackend(refusing("token-1"));
    const { dispatcher } = agentFor(recording.origin);
    const body = new FormData();
    body.set("name", "value");
    const answer = await request(recording.origin, { method: "POST", body, dispatcher });
    await answer.body.dump();
    expect(answer.statusCode).toBe(200);
    expect(recording.requests.map(({ body }) => String(body).includes("value"))).toEqual([
      true,
      true,
    ]);
  });

  it("doesn't send a stream a second time: the 401 comes as it is, and the next call is good", async () => {
    await revokeCurrent();
    const body = Readable.from(["abc"]);
    const first = await request(backend.url, { method: "POST", body, dispatcher });
    expect(first.statusCode).toBe(401);
    expect(await first.body.json()).toEqual({ error: "invalid_token" });
    const second = await request(backend.url, { dispatcher });
    await second.body.dump();
    expect(second.statusCode).toBe(200);
  });

  it("renews a revoked token once for 100 requests in flight, and none of them fails", async () => {
    await revokeCurrent();
    server.resetTokenRequests();
    const all = await Promise.all(
      Array.from({ length: 100 }, async (_, id) => {
        const { body } = await request(`${backend.url}/${id}`, { dispatcher });
        return ((await body.json()) as { path: string }).path;
      }),
    );
    expect(all).toEqual(Array.from({ length: 100 }, (_, id) => `/v1/orders/${id}`));
    expect(server.countTokenRequests()).toBe(1);
  });

  it.each<[string, Dispatcher.DispatchOptions["headers"]]>([
    ["a record", { "X-Own": "kept", AUTHORIZATION: "mine", "x-list": ["a", "b"] }],
    ["a flat list", ["X-Own", "kept", "authorization", "mine", "x-list", "a, b"]],
    [
      "a Map",
      new Map([
        ["X-Own", "kept"],
        ["Authorization", "mine"],
        ["x-list", "a, b"],
      ]),
    ],
    ["Headers", new Headers({ "X-Own": "kept", authorization: "mine", "x-list": "a, b" }) as never],
  ])("keeps the caller's headers, given as %s, but for the credentials", async (_, headers) => {
    const recording = await startRecordingBackend();
    const { dispatcher } = agentFor(recording.origin);
    const { body } = await request(recording.origin, { dispatcher, headers: headers ?? null });
    await body.dump();
    expect(recording.requests[0]?.headers).toMatchObject({
      "x-own": "kept",
      "x-list": "a, b",
      authorization: "Bearer token-1",
    });
  });

  it("sends the path that it looked at, and the query", async () => {
    const recording = await startRecordingBackend();
    const { dispatcher } = agentFor(`${recording.origin}/v1`);
    const { origin } = recording;
    const query = { a: "b c", list: ["1", "2"] };
    const first = await dispatcher.request({ origin, path: "/v1/x/../y", method: "GET", query });
    await first.body.dump();
    expect(recording.requests.map(({ url }) => url)).toEqual(["/v1/y?a=b%20c&list=1&list=2"]);
    for (const path of ["/v1/../admin", "/v1/%2e%2e/admin", "/v1/..\\admin", "/v10"]) {
      await expect(dispatcher.request({ origin, path, method: "GET" })).rejects.toMatchObject({
        code: "destination_refused",
      });
    }
    await expect(dispatcher.request({ path: "/v1/x", method: "GET" })).rejects.toMatchObject({
      code: "destination_refused",
    });
    expect(recording.requests).toHaveLength(1);
  });

  it("refuses a redirect that leads elsewhere, composed as the last", async () => {
    const elsewhere = await startRecordingBackend();
    const recording = await startRecordingBackend((res, { url }) =>
      url === "/start"
        ? respond(res, 302, undefined, { location: "/there" })
        : respond(res, 302, undefined, { location: `${elsewhere.origin}/x` }),
    );
    const bearer = bearerEndpoint(recording.origin);
    const agent = new Agent();
    onTestFinished(() => agent.destroy());
    const auth = authInterceptor(bearer.security, bearer.endpoint);
    const redirecting = agent.compose(auth, interceptors.redirect({ maxRedirections: 3 }));
    await expect(
      request(`${recording.origin}/start`, { dispatcher: redirecting }),
    ).rejects.toMatchObject({ code: "destination_refused" });
    expect(recording.requests.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer token-1",
      "Bearer token-1",
    ]);
    expect(elsewhere.requests).toEqual([]);
  });

  it("ends the wait of a caller, and nothing else", async () => {
    let grant = () => {};
    const granted = new Promise<void>((resolve) => {
      grant = resolve;
    });
    const slow = new EndpointSecurity({
      fetch: async () => {
        await granted;
        return Response.json({ access_token: "late", token_type: "Bearer", expires_in: 60 });
      },
    });
    const recording = await startRecordingBackend();
    const agent = new Agent();
    onTestFinished(() => agent.destroy());
    const waiting = agent.compose(authInterceptor(slow, { ...endpoint(), url: recording.origin }));
    const controller = new AbortController();
    const { signal } = controller;
    const first = request(recording.origin, { dispatcher: waiting, signal });
    const second = request(recording.origin, { dispatcher: waiting });
    controller.abort(new Error("enough"));
    await expect(first).rejects.toThrow("enough");
    grant();
    const { statusCode, body } = await second;
    await body.dump();
    expect(statusCode).toBe(200);
    expect(recording.requests).toHaveLength(1);
  });

  it("releases a caller whose token is being renewed", async () => {
    const recording = await startRecordingBackend(refusing("token-1"));
    const controller = new AbortController();
    let count = 0;
    const slow = new EndpointSecurity({
      fetch: async () => {
        count += 1;
        if (count > 1) {
          controller.abort(new Error("enough"));
          await new Promise(() => {});
        }
        return Response.json({ access_token: "token-1", token_type: "Bearer", expires_in: 60 });
      },
    });
    const agent = new Agent();
    onTestFinished(() => agent.destroy());
    const renewing = agent.compose(authInterceptor(slow, { ...endpoint(), url: recording.origin }));
    const { signal } = controller;
    await expect(request(recording.origin, { dispatcher: renewing, signal })).rejects.toThrow(
      "enough",
    );
  });

  it("passes an abort on to the request that is under way", async () => {
    let hangUp = (_: unknown) => {};
    const hungUp = new Promise((resolve) => {
      hangUp = resolve;
    });
    const controller = new AbortController();
    const recording = await startRecordingBackend((res) => {
      res.once("close", hangUp);
      controller.abort(new Error("enough"));
    });
    const { dispatcher } = agentFor(recording.origin);
    const { signal } = controller;
    await expect(request(recording.origin, { dispatcher, signal })).rejects.toThrow("enough");
    await hungUp;
  });

  it("has the connection of a refusal serve again", async () => {
    const recording = await startRecordingBackend(refusing("token-1"));
    const bearer = bearerEndpoint(recording.origin);
    const agent = new Agent({ connections: 1 });
    onTestFinished(() => agent.destroy());
    const composed = agent.compose(authInterceptor(bearer.security, bearer.endpoint));
    const { statusCode, body } = await request(recording.origin, { dispatcher: composed });
    await body.dump();
    expect(statusCode).toBe(200);
  });

  it("cuts off a refusal without end, and sends the request again", async () => {
    let cutOff = (_: unknown) => {};
    const over = new Promise((resolve) => {
      cutOff = resolve;
    });
    const recording = await startRecordingBackend((res, { headers }) => {
      if (headers.authorization !== "Bearer token-1") return respond(res, 200, "fine");
      res.once("close", cutOff);
      res.writeHead(401);
      const more = () => {
        while (!res.destroyed && res.write(Buffer.alloc(16_384)));
      };
      res.on("drain", more);
      more();
    });
    const { dispatcher } = agentFor(recording.origin);
    const { statusCode, body } = await request(recording.origin, { dispatcher });
    expect([statusCode, await body.text()]).toEqual([200, "fine"]);
    await over;
  });

  it("hands on a large response as slowly as it is read", async () => {
    const large = Buffer.alloc(8 * 1024 * 1024, 7);
    const recording = await startRecordingBackend((res, { headers }) => {
      if (headers.authorization === "Bearer token-1") return respond(res, 401);
      res.end(large);
    });
    const { dispatcher } = agentFor(recording.origin);
    const { body } = await request(recording.origin, { dispatcher });
    let size = 0;
    for await (const chunk of body) {
      size += chunk.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(size).toBe(large.length);
  });

  it("passes on what the network says", async () => {
    const { dispatcher } = agentFor("http://127.0.0.1:9");
    await expect(request("http://127.0.0.1:9/x", { dispatcher })).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
  });

  it("works with undici's own mocks, which stop for nobody", async () => {
    const mock = new MockAgent();
    mock.disableNetConnect();
    const pool = mock.get("https://orders.example.test");
    const bearer = bearerEndpoint("https://orders.example.test");
    const path = "/x";
    pool.intercept({ path, headers: { authorization: "Bearer token-1" } }).reply(401, "refused");
    pool.intercept({ path, headers: { authorization: "Bearer token-2" } }).reply(200, "taken");
    const composed = mock.compose(authInterceptor(bearer.security, bearer.endpoint));
    const { statusCode, body } = await composed.request({
      origin: "https://orders.example.test",
      path,
      method: "GET",
    });
    expect([statusCode, await body.text()]).toEqual([200, "taken"]);
    await mock.close();
  });

  it("hands on a refusal of undici's own mocks whole", async () => {
    const mock = new MockAgent();
    mock.disableNetConnect();
    const origin = "https://orders.example.test";
    mock
      .get(origin)
      .intercept({ path: "/x" })
      .reply(401, "refused", {
        headers: { "www-authenticate": 'Bearer error="insufficient_scope"' },
      });
    const bearer = bearerEndpoint(origin);
    const composed = mock.compose(authInterceptor(bearer.security, bearer.endpoint));
    const { statusCode, body } = await composed.request({ origin, path: "/x", method: "GET" });
    expect([statusCode, await body.text()]).toEqual([401, "refused"]);
    await mock.close();
  });

  it("answers Digest challenges, and reports a challenge that is for others", async () => {
    const digest = await startDigestServer({
      challenges: [{ algorithm: "SHA-256", qop: "auth-int" }],
    });
    onTestFinished(digest.close);
    const agent = new Agent();
    onTestFinished(() => agent.destroy());
    const asked: unknown[] = [];
    security.on("challengeMismatch", (event) => asked.push(event.asked));
    const { origin } = digest;
    const right = { type: "digest", url: origin, username: "Mufasa", password: "Circle of Life" };
    const wrong = { type: "basic", url: origin, username: "Mufasa", password: "Circle of Life" };
    const statuses: number[] = [];
    for (const config of [right, right, wrong]) {
      const composed = agent.compose(authInterceptor(security, unchecked(config)));
      const options = { method: "POST", body: "x", dispatcher: composed } as const;
      const { statusCode, body } = await request(`${origin}/a?b=c`, options);
      await body.dump();
      statuses.push(statusCode);
    }
    expect(statuses).toEqual([200, 200, 401]);
    expect(digest.statuses()).toEqual([401, 200, 200, 401]);
    expect(asked).toEqual([["Digest"]]);
  });

  it("reports a mistake in the configuration when it is made", () => {
    expect(() => authInterceptor(security, { ...endpoint(), url: "" })).toThrow("url");
  });
});
