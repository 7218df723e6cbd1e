import { Readable } from "node:stream";
import axios from "axios";
import { type BackendConfig, EndpointSecurity, isEndpointSecurityError } from "endpoint-security";
import { wrapAxios } from "endpoint-security/axios";
import { authInterceptor } from "endpoint-security/undici";
import { Agent, request as undiciRequest } from "undici";
import { describe, expect, it, onTestFinished } from "vitest";
import { unchecked } from "../configuration/unchecked.ts";
import { startRecordingBackend } from "../fetch/recording-backend.ts";
import { type DigestServerOptions, startDigestServer } from "../servers/digest-server.ts";
import { respond } from "../servers/http-server.ts";

interface Call {
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
}

async function start(options: DigestServerOptions) {
  const server = await startDigestServer(options);
  onTestFinished(server.close);
  const security = new EndpointSecurity();
  const { username = "Mufasa", password = "Circle of Life" } = options;
  const endpoint = {
    name: "files",
    type: "digest" as const,
    url: server.origin,
    username,
    password,
  };
  return { server, security, endpoint };
}

const one = (algorithm: string | undefined, qop: string | undefined = "auth") => ({
  challenges: [{ ...(algorithm === undefined ? {} : { algorithm }), qop }],
});

type Client = (
  security: EndpointSecurity,
  endpoint: BackendConfig,
) => (call?: Call) => Promise<number>;

const clients: readonly (readonly [string, Client])[] = [
  [
    "wrapFetch",
    (security, endpoint) => {
      const wrapped = security.wrapFetch(endpoint);
      return async ({ path = "/a?b=c", ...init } = {}) => {
        const response = await wrapped(path, Object.keys(init).length === 0 ? undefined : init);
        await response.text();
        return response.status;
      };
    },
  ],
  [
    "wrapAxios",
    (security, endpoint) => {
      const client = axios.create({ validateStatus: () => true });
      wrapAxios(client, security, endpoint);
      return async ({ path = "/a?b=c", method = "GET", body } = {}) =>
        (await client.request({ url: path, method, ...(body !== undefined && { data: body }) }))
          .status;
    },
  ],
];

describe.each(clients)("a digest endpoint through %s", (_, wrap) => {
  it.each([
    "MD5",
    "MD5-sess",
    "SHA-256",
    "SHA-256-sess",
    "SHA-512-256",
    "SHA-512-256-sess",
    "sha-256",
    undefined,
  ])("answers %s, and sends only the first request twice", async (algorithm) => {
    const { server, security, endpoint } = await start(one(algorithm));
    const call = wrap(security, endpoint);
    expect([await call(), await call({ path: "/x" }), await call()]).toEqual([200, 200, 200]);
    expect(server.statuses()).toEqual([401, 200, 200, 200]);
    const counts = server.requests.map(({ digest }) => digest?.nc);
    expect(counts).toEqual([undefined, "00000001", "00000002", "00000003"]);
  });

  it("answers a server of RFC 2069, which knows neither qop nor counts", async () => {
    const { server, security, endpoint } = await start({ challenges: [{}] });
    const call = wrap(security, endpoint);
    expect([await call(), await call()]).toEqual([200, 200]);
    expect(server.requests.at(-1)?.digest).not.toHaveProperty("qop");
  });

  it.each([
    ["a body", { method: "POST", body: "näme=wert" }],
    ["no body", {}],
  ])("covers %s where auth-int is asked for", async (_, request) => {
    const { server, security, endpoint } = await start(one("SHA-256", "auth-int"));
    const call = wrap(security, endpoint);
    expect([await call(request), await call(request)]).toEqual([200, 200]);
    expect(server.statuses()).toEqual([401, 200, 200]);
    expect(server.requests.at(-1)?.digest?.qop).toBe("auth-int");
  });

  it.each([false, true])(
    "takes the strongest of several challenges (in several headers: %s)",
    async (severalHeaders) => {
      const challenges = ["MD5", "SHA-512-256", "SHA-256"].map((algorithm) => ({
        algorithm,
        qop: "auth",
      }));
      const before = 'Negotiate, Basic realm="b", NTLM abc==';
      const { server, security, endpoint } = await start({ challenges, severalHeaders, before });
      expect(await wrap(security, endpoint)()).toBe(200);
      expect(server.requests.at(-1)?.digest?.algorithm).toBe("SHA-512-256");
    },
  );

  it.each([
    ["as UTF-8, where the server reads that", { charset: "UTF-8" as const }],
    ["as bytes, where it doesn't say so", {}],
    ["hashed, where the server wants that", { userhash: true, charset: "UTF-8" as const }],
  ])("sends a user name of many letters %s", async (_, more) => {
    const { security, endpoint } = await start({
      challenges: [{ algorithm: "SHA-256", qop: "auth", ...more }],
      username: 'J\u00e4s\u00f8n "\\ D\u00f6e, \u5c71 %',
      password: "p\u00e4ss:w\u00f6rd \u{1f511}",
    });
    expect(await wrap(security, endpoint)()).toBe(200);
  });

  it("composes letters before it hashes them, where the server reads UTF-8", async () => {
    const composed = "J\u00e4s\u00f8n";
    const { server, security, endpoint } = await start({
      challenges: [{ algorithm: "SHA-256", qop: "auth", charset: "UTF-8" }],
      username: composed,
      password: composed,
    });
    const decomposed = composed.normalize("NFD");
    const call = wrap(security, { ...endpoint, username: decomposed, password: decomposed });
    expect(await call()).toBe(200);
    expect(server.requests).toHaveLength(2);
  });

  it("sends a request again whose nonce was too old, and goes on with the new one", async () => {
    const { server, security, endpoint } = await start(one("SHA-256"));
    const call = wrap(security, endpoint);
    await call();
    server.expireNonces();
    expect([await call({ method: "POST", body: "x" }), await call()]).toEqual([200, 200]);
    expect(server.statuses()).toEqual([401, 200, 401, 200, 200]);
    expect(server.requests[3]?.body).toBe("x");
  });

  it.each(["SHA-256", "SHA-256-sess"])("takes the next nonce that %s offers", async (algorithm) => {
    const { server, security, endpoint } = await start({ ...one(algorithm), nextNonce: true });
    const call = wrap(security, endpoint);
    expect([await call(), await call(), await call()]).toEqual([200, 200, 200]);
    expect(server.statuses()).toEqual([401, 200, 200, 200]);
    expect(server.requests.at(-1)?.digest?.nc).toBe("00000001");
  });

  it("comes through though the first nonce it was given is too old by then", async () => {
    const { server, security, endpoint } = await start(one("SHA-256"));
    let reads = 0;
    const password = async () => {
      reads++;
      if (reads === 1) server.expireNonces();
      return endpoint.password;
    };
    const call = wrap(security, unchecked({ ...endpoint, password }));
    expect(await call()).toBe(200);
    expect(server.statuses()).toEqual([401, 401, 200]);
  });

  it("tries a wrong password once for each call", async () => {
    const { server, security, endpoint } = await start(one("SHA-256"));
    const rejected: unknown[] = [];
    security.on("credentialsRejected", (event) => rejected.push(event));
    const call = wrap(security, { ...endpoint, password: "wrong" });
    expect([await call(), await call()]).toEqual([401, 401]);
    expect(server.requests.map(({ refusal }) => refusal)).toEqual(["none", "response", "response"]);
    expect(rejected).toEqual([
      { endpoint: "files", status: 401, replayed: false, reason: "rejected_again" },
      { endpoint: "files", status: 401, replayed: false, reason: "rejected_again" },
    ]);
  });

  it("has one of many first requests asked for credentials, and each count used once", async () => {
    const { server, security, endpoint } = await start(one("SHA-256"));
    const call = wrap(security, endpoint);
    const all = await Promise.all(Array.from({ length: 50 }, (_, id) => call({ path: `/${id}` })));
    expect(new Set(all)).toEqual(new Set([200]));
    expect(server.statuses().filter((status) => status === 401)).toHaveLength(1);
    const counts = server.requests.flatMap(({ digest }) => digest?.nc ?? []);
    expect(new Set(counts).size).toBe(50);
  });

  it("comes through when all nonces expire under many requests", async () => {
    const { server, security, endpoint } = await start(one("SHA-256"));
    const call = wrap(security, endpoint);
    await call();
    server.expireNonces();
    const all = await Promise.all(Array.from({ length: 20 }, (_, id) => call({ path: `/${id}` })));
    expect(new Set(all)).toEqual(new Set([200]));
  });

  it("asks functions again at each request", async () => {
    const { security, endpoint } = await start(one("SHA-256"));
    let reads = 0;
    const password = async () => {
      reads++;
      return endpoint.password;
    };
    const call = wrap(security, unchecked({ ...endpoint, password }));
    expect([await call(), await call()]).toEqual([200, 200]);
    expect(reads).toBe(2);
  });

  it("says when the server's own proof is wrong, and hands its answer on", async () => {
    for (const rspauth of ["right", "wrong"] as const) {
      const { security, endpoint } = await start({ ...one("SHA-256"), rspauth });
      const failures: unknown[] = [];
      security.on("serverProofFailed", (event) => failures.push(event));
      expect(await wrap(security, endpoint)()).toBe(200);
      expect(failures).toEqual(rspauth === "right" ? [] : [{ endpoint: "files" }]);
    }
  });
});

describe("a digest endpoint", () => {
  it("lets the first request's failure, or its abort, hold up nobody", async () => {
    const { server, security, endpoint } = await start(one("SHA-256"));
    const release = server.holdAnswers();
    const wrapped = security.wrapFetch(endpoint);
    const first = new AbortController();
    const failing = wrapped("/first", { signal: first.signal });
    await expect.poll(() => server.requests.length).toBe(1);
    const second = wrapped("/second");
    first.abort(new Error("enough"));
    await expect(failing).rejects.toThrow("enough");
    release();
    expect((await second).status).toBe(200);
  });

  it("releases a caller that waits for the first request", async () => {
    const { server, security, endpoint } = await start(one("SHA-256"));
    const release = server.holdAnswers();
    const wrapped = security.wrapFetch(endpoint);
    const first = wrapped("/first");
    await expect.poll(() => server.requests.length).toBe(1);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(wrapped("/second", { signal })).rejects.toThrow();
    release();
    expect((await first).status).toBe(200);
  });

  it("has nobody wait at a backend that doesn't ask for credentials", async () => {
    const arrived = new Map<string, () => void>();
    const seen = (path: string) => new Promise<void>((resolve) => arrived.set(path, resolve));
    const third = seen("/3");
    const open = (async (input: string) => {
      const { pathname } = new URL(input);
      arrived.get(pathname)?.();
      // Answered once the other is there, which must not wait for this.
      if (pathname === "/2") await third;
      return new Response();
    }) as typeof fetch;
    const security = new EndpointSecurity();
    const endpoint = { type: "digest", url: "http://open.test", username: "u", password: "p" };
    const wrapped = security.wrapFetch(unchecked(endpoint), { fetch: open });
    await wrapped("/1");
    const answers = await Promise.all([wrapped("/2"), wrapped("/3")]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });

  it("covers a form as it is sent", async () => {
    const { security, endpoint } = await start(one("SHA-256", "auth-int"));
    const wrapped = security.wrapFetch(endpoint);
    for (const body of [new FormData(), new Blob(["b"]), new URLSearchParams({ a: "ö" })]) {
      if (body instanceof FormData) body.set("name", "wört");
      const response = await wrapped("/form", { method: "POST", body });
      expect(response.status).toBe(200);
      expect(await response.json()).not.toMatchObject({ body: "" });
    }
    const request = new Request(`${endpoint.url}/r`, { method: "PUT", body: "of a Request" });
    expect((await wrapped(request)).status).toBe(200);
  });

  it("can't cover a stream, and says so before anything is sent", async () => {
    const { server, security, endpoint } = await start(one("SHA-256", "auth-int"));
    const wrapped = security.wrapFetch(endpoint);
    await wrapped("/known");
    const before = server.requests.length;
    const body = Readable.toWeb(Readable.from([Buffer.from("x")])) as never;
    const error = await wrapped("/s", { method: "POST", body, duplex: "half" } as never).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: "digest_unavailable", reason: "no_body" });
    expect(server.requests).toHaveLength(before);
  });

  it("sends a stream once the challenge is known; before, an error says what to do", async () => {
    const { security, endpoint } = await start(one("SHA-256"));
    const wrapped = security.wrapFetch(endpoint);
    const send = async () => {
      const body = Readable.toWeb(Readable.from([Buffer.from("x")])) as never;
      return (await wrapped("/s", { method: "POST", body, duplex: "half" } as never)).status;
    };
    await expect(send()).rejects.toMatchObject({
      code: "digest_unavailable",
      reason: "stream_body",
      message: expect.stringContaining("send a request without a body first"),
    });
    await wrapped("/s");
    expect(await send()).toBe(200);
  });

  it("brings back the cookies that came with the challenge, beside the caller's own", async () => {
    const asked = { "www-authenticate": 'Digest realm="r", nonce="n", qop="auth"' };
    const backend = await startRecordingBackend((res, { headers }) => {
      if (headers.authorization === undefined) {
        const cookies = ["sid=1; Path=/; HttpOnly", "t=2; Expires=Wed, 01 Jan 2031 00:00:00 GMT"];
        respond(res, 401, "", { ...asked, "set-cookie": cookies as never });
      } else respond(res, headers.cookie === "own=0; sid=1; t=2" ? 200 : 401);
    });
    const endpoint = { type: "digest", url: backend.origin, username: "u", password: "p" } as const;
    const security = new EndpointSecurity();
    const headers = { cookie: "own=0" };
    const client = axios.create();
    wrapAxios(client, security, endpoint);
    expect((await security.wrapFetch(endpoint)("/x", { headers })).status).toBe(200);
    expect((await client.get("/x", { headers })).status).toBe(200);
    const agent = new Agent();
    onTestFinished(() => agent.destroy());
    const dispatcher = agent.compose(authInterceptor(new EndpointSecurity(), endpoint));
    expect((await undiciRequest(`${backend.origin}/x`, { dispatcher, headers })).statusCode).toBe(
      200,
    );
  });

  it("replays on a new connection where the server closed the old one after the challenge", async () => {
    let count = 0;
    const backend = await startRecordingBackend((res, { headers }) => {
      if (headers.authorization !== undefined) {
        // The first answer to the challenge meets a connection that is gone.
        if (++count === 1) return void res.socket?.destroy();
        return respond(res, 200);
      }
      respond(res, 401, "", { "www-authenticate": 'Digest realm="r", nonce="n", qop="auth"' });
    });
    const endpoint = { type: "digest", url: backend.origin, username: "u", password: "p" } as const;
    expect((await new EndpointSecurity().wrapFetch(endpoint)("/x")).status).toBe(200);
  });

  it("answers at a redirect's target, too", async () => {
    const { server, security, endpoint } = await start(one("SHA-256"));
    const there = "/there?x='1'";
    const redirecting = (async (input: string, init?: RequestInit) =>
      input.endsWith("/here")
        ? new Response(null, { status: 307, headers: { location: there } })
        : fetch(input, init)) as typeof fetch;
    const wrapped = security.wrapFetch(endpoint, { fetch: redirecting });
    expect((await wrapped("/here", { method: "POST", body: "x" })).status).toBe(200);
    expect(server.requests.at(-1)?.url).toBe("/there?x=%271%27");
  });

  it("answers at a redirect's target that axios follows", async () => {
    const { server, security, endpoint } = await start({ ...one("SHA-256"), rspauth: "right" });
    const failures: unknown[] = [];
    security.on("serverProofFailed", (event) => failures.push(event));
    const client = axios.create();
    wrapAxios(client, security, endpoint);
    await client.get("/known");
    for (const status of [302, 307]) {
      const to = `/there/${status}?name=a%20b`;
      const { data } = await client.post(`/redirect/${status}`, "text", {
        headers: { "x-to": to },
      });
      expect(data).toEqual({ url: to, body: status === 302 ? "" : "text" });
    }
    expect(server.statuses()).toEqual([401, 200, 302, 200, 307, 200]);
    expect(failures).toEqual([]);
  });

  it("covers what axios makes of params", async () => {
    const { server, security, endpoint } = await start(one("SHA-256"));
    for (const adapter of ["http", "fetch"] as const) {
      const client = axios.create({ adapter });
      wrapAxios(client, security, endpoint);
      const params = { name: "O'Brien & söhne", list: [1, 2], "a:b": "$,+ []" };
      const { status } = await client.get("/search?q=1", { params });
      expect(status).toBe(200);
    }
    expect(server.statuses()).toEqual([401, 200, 200]);
  });

  it("gives getAuthHeaders a header for the challenge that the caller was sent", async () => {
    const { server, security, endpoint } = await start(one("SHA-256", "auth-int"));
    const url = `${server.origin}/a?b=c`;
    const send = async (headers: Record<string, string>) =>
      fetch(url, { method: "POST", body: "text", headers });
    const challenge = (await send({})).headers.get("www-authenticate") ?? "";
    const request = { method: "POST", url, body: "text" };
    const first = await security.getAuthHeaders(endpoint, { request, challenge });
    // From now on the challenge is known; given again, it counts on.
    const second = await security.getAuthHeaders(endpoint, { request });
    const third = await security.getAuthHeaders(endpoint, { request, challenge });
    for (const headers of [first, second, third]) {
      expect((await send(headers)).status).toBe(200);
    }
    expect(server.requests.at(-1)?.digest?.nc).toBe("00000003");
  });

  it.each([
    ["no_request", {}],
    ["no_challenge", { request: { method: "GET", url: "https://a.test/" } }],
    [
      "unsupported",
      { request: { method: "GET", url: "https://a.test/" }, challenge: 'Basic realm="canary"' },
    ],
  ])("has no header, and says why: %s", async (reason, options) => {
    const endpoint = { type: "digest", username: "u", password: "canary" } as const;
    const error = await new EndpointSecurity()
      .getAuthHeaders(endpoint, options)
      .catch((thrown: unknown) => thrown);
    if (!isEndpointSecurityError(error)) throw error;
    expect(error).toMatchObject({ code: "digest_unavailable", reason, retryable: false });
    expect(error.message).not.toContain("canary");
  });

  it("refuses user names that no header can carry, without showing them", async () => {
    const request = { method: "GET", url: "https://a.test/" };
    const challenge = 'Digest realm="r", nonce="n", qop="auth"';
    for (const username of ["canary\r\n", () => "canary\u0000"]) {
      const endpoint = { type: "digest", username, password: "p" } as const;
      const error = await new EndpointSecurity()
        .getAuthHeaders(endpoint, { request, challenge })
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "invalid_configuration" });
      expect(String(error)).not.toContain("canary");
    }
  });

  it("has no tokens", async () => {
    const endpoint = { type: "digest", username: "u", password: "p" } as const;
    await expect(new EndpointSecurity().getToken(endpoint)).rejects.toMatchObject({
      code: "invalid_configuration",
    });
    expect(new EndpointSecurity().explain(endpoint)).toMatchObject({
      endpoint: "endpoint",
      type: "digest",
    });
  });
});
