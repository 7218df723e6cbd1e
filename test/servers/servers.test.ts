import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { startBackend } from "./backend.ts";
import { listen } from "./http-server.ts";
import { type RunningOAuth2Server, startOAuth2Server } from "./oauth2-server.ts";
import { type RunningAuthorizationServer, startOidcProvider } from "./oidc-provider.ts";

interface TokenResponse {
  access_token: string;
  token_type: string;
  expires_in: number;
  scope?: string;
  refresh_token?: string;
  error?: string;
}

const CHECKOUT = { id: "checkout", secret: "checkout-secret" };
const CLIENT_CREDENTIALS = { grant_type: "client_credentials", scope: "orders:read" };
const PASSWORD = {
  grant_type: "password",
  username: "svc",
  password: "svc-password",
  scope: "orders:read",
};

type Start = (
  options?: Parameters<typeof startOidcProvider>[0],
) => Promise<RunningAuthorizationServer | RunningOAuth2Server>;

const authorizationServers: [string, Start][] = [
  ["oidc-provider", startOidcProvider],
  ["oauth2-server", startOAuth2Server],
];

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe.each(authorizationServers)("the token endpoint of %s", (_name, start) => {
  test("issues a token for client credentials", async () => {
    const { tokenUrl } = await running(start({ accessTokenTtl: 600 }));
    const { status, body } = await requestToken(tokenUrl, CLIENT_CREDENTIALS, CHECKOUT);
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: "Bearer", scope: "orders:read" });
    expect(body.refresh_token).toBeUndefined();
    expect(body.expires_in).toSatisfy((seconds: number) => seconds > 590 && seconds <= 600);
  });

  test("accepts form-encoded Basic credentials", async () => {
    const { tokenUrl } = await running(start());
    const encoded = { id: "sandbox%2Dcheckout", secret: "sandbox%2Dcheckout%2Dsecret" };
    expect((await requestToken(tokenUrl, CLIENT_CREDENTIALS, encoded)).status).toBe(200);
  });

  test("accepts credentials in the body, and a public client without any", async () => {
    const { tokenUrl } = await running(start());
    const post = { client_id: "reports-post", client_secret: "reports-post-secret" };
    expect((await requestToken(tokenUrl, { ...CLIENT_CREDENTIALS, ...post })).status).toBe(200);

    const publicClient = await requestToken(tokenUrl, { ...PASSWORD, client_id: "public" });
    expect(publicClient.status).toBe(200);
    expect(publicClient.body.refresh_token).toBeUndefined();
  });

  test("refuses a wrong client secret with 401 and a Basic challenge", async () => {
    const { tokenUrl } = await running(start());
    const wrong = { ...CHECKOUT, secret: "wrong" };
    const { status, headers, body } = await requestToken(tokenUrl, CLIENT_CREDENTIALS, wrong);
    expect([status, body.error]).toEqual([401, "invalid_client"]);
    expect(headers.get("www-authenticate")).toMatch(/^Basic realm=/);
  });

  test("refuses a secret that has been rotated away", async () => {
    const server = await running(start());
    expect((await requestToken(server.tokenUrl, CLIENT_CREDENTIALS, CHECKOUT)).status).toBe(200);
    server.setClientSecret("checkout", "rotated");
    expect((await requestToken(server.tokenUrl, CLIENT_CREDENTIALS, CHECKOUT)).status).toBe(401);
    const rotated = { ...CHECKOUT, secret: "rotated" };
    expect((await requestToken(server.tokenUrl, CLIENT_CREDENTIALS, rotated)).status).toBe(200);
    expect(() => server.setClientSecret("nobody", "x")).toThrow("nobody");
  });

  test("refuses a wrong password, and a grant the client does not have", async () => {
    const { tokenUrl } = await running(start());
    const wrong = await requestToken(tokenUrl, { ...PASSWORD, password: "wrong" }, CHECKOUT);
    expect([wrong.status, wrong.body.error]).toEqual([400, "invalid_grant"]);

    const post = { client_id: "reports-post", client_secret: "reports-post-secret" };
    expect((await requestToken(tokenUrl, { ...PASSWORD, ...post })).status).toBe(400);
  });

  test("rotates refresh tokens, and ends the whole chain when a spent one comes back", async () => {
    const { tokenUrl } = await running(start());
    const refresh = (token = "") =>
      requestToken(tokenUrl, { grant_type: "refresh_token", refresh_token: token }, CHECKOUT);

    const first = (await requestToken(tokenUrl, PASSWORD, CHECKOUT)).body.refresh_token;
    const refreshed = await refresh(first);
    expect(refreshed.status).toBe(200);
    expect(refreshed.body.scope).toBe("orders:read");
    const second = refreshed.body.refresh_token;
    expect(second).toBeTypeOf("string");
    expect(second).not.toBe(first);

    expect((await refresh(first)).body.error).toBe("invalid_grant");
    expect((await refresh(second)).body.error).toBe("invalid_grant");
  });

  test("refuses a refresh token after its lifetime", async () => {
    const { tokenUrl } = await running(start({ refreshTokenTtl: 60 }));
    const { body } = await requestToken(tokenUrl, PASSWORD, CHECKOUT);
    passTime(61);
    const params = { grant_type: "refresh_token", refresh_token: body.refresh_token ?? "" };
    const refreshed = await requestToken(tokenUrl, params, CHECKOUT);
    expect([refreshed.status, refreshed.body.error]).toEqual([400, "invalid_grant"]);
  });

  test("uses a new access token lifetime for the tokens that follow", async () => {
    const server = await running(start());
    server.setAccessTokenTtl(60);
    for (const params of [CLIENT_CREDENTIALS, PASSWORD]) {
      const { body } = await requestToken(server.tokenUrl, params, CHECKOUT);
      expect(body.expires_in).toSatisfy((seconds: number) => seconds > 50 && seconds <= 60);
    }
    expect(() => server.setAccessTokenTtl(0)).toThrow(RangeError);
  });

  test("records every token request, in order", async () => {
    const server = await running(start());
    await requestToken(server.tokenUrl, CLIENT_CREDENTIALS, CHECKOUT);
    await requestToken(server.tokenUrl, CLIENT_CREDENTIALS, { ...CHECKOUT, secret: "wrong" });
    await requestToken(server.tokenUrl, { ...PASSWORD, client_id: "public" });

    const authorization = expect.stringMatching(/^Basic /);
    expect(server.tokenRequests).toMatchObject([
      { clientId: "checkout", grantType: "client_credentials", status: 200, authorization },
      { clientId: "checkout", grantType: "client_credentials", status: 401, authorization },
      { clientId: "public", grantType: "password", status: 200, body: { username: "svc" } },
    ]);
    expect(server.tokenRequests[2]).not.toHaveProperty("authorization");
    expect(server.countTokenRequests()).toBe(3);
    expect(server.countTokenRequests({ clientId: "checkout", status: 401 })).toBe(1);
    expect(server.countTokenRequests({ grantType: "password" })).toBe(1);

    server.resetTokenRequests();
    expect(server.tokenRequests).toEqual([]);
  });

  test("fails as often as told, then recovers", async () => {
    const server = await running(start());
    const busy = { error: "temporarily_unavailable" };
    server.failNext(2, 503, busy, { "retry-after": "7" });
    server.failNext(1, 502, "<h1>Bad gateway</h1>", { "content-type": "text/html" });

    for (let time = 0; time < 2; time++) {
      const failure = await requestToken(server.tokenUrl, CLIENT_CREDENTIALS, CHECKOUT);
      expect([failure.status, failure.body]).toEqual([503, busy]);
      expect(failure.headers.get("retry-after")).toBe("7");
    }
    const html = await post(server.tokenUrl, CLIENT_CREDENTIALS, CHECKOUT);
    expect([html.status, await html.text()]).toEqual([502, "<h1>Bad gateway</h1>"]);
    expect(html.headers.get("content-type")).toBe("text/html");
    expect((await requestToken(server.tokenUrl, CLIENT_CREDENTIALS, CHECKOUT)).status).toBe(200);
    expect(server.tokenRequests.map(({ status }) => status)).toEqual([503, 503, 502, 200]);
  });

  test("keeps a request waiting while the latency is up, and lets the client give up", async () => {
    const server = await running(start());
    server.setLatency(3_600_000);
    const impatient = new AbortController();
    const answer = post(server.tokenUrl, CLIENT_CREDENTIALS, CHECKOUT, {}, impatient.signal);
    await vi.waitUntil(() => server.tokenRequests.length === 1);
    expect(server.tokenRequests[0]?.status).toBe(0);
    impatient.abort();
    await expect(answer).rejects.toThrow();

    server.setLatency(1);
    expect((await requestToken(server.tokenUrl, CLIENT_CREDENTIALS, CHECKOUT)).status).toBe(200);
  });

  test("takes clients and users of the caller's own", async () => {
    const client = {
      clientId: "billing",
      clientSecret: "b:%+&",
      authMethod: "client_secret_basic" as const,
      grantTypes: ["password"],
    };
    const users = [{ username: "robot", password: "robot-password" }];
    const { tokenUrl } = await running(start({ clients: [client], users }));
    const params = { ...PASSWORD, username: "robot", password: "robot-password" };
    const credentials = { id: "billing", secret: encodeURIComponent(client.clientSecret) };
    expect((await requestToken(tokenUrl, params, credentials)).status).toBe(200);
  });
});

describe("oidc-provider", () => {
  test("signs access tokens that its published keys verify", async () => {
    const server = await running(startOidcProvider());
    for (const [params, sub] of [
      [CLIENT_CREDENTIALS, "checkout"],
      [PASSWORD, "svc"],
    ] as const) {
      const { body } = await requestToken(server.tokenUrl, params, CHECKOUT);
      const keys = createRemoteJWKSet(new URL(server.jwksUrl));
      const { issuer, audience } = server;
      const { payload } = await jwtVerify(body.access_token, keys, { issuer, audience });
      expect(payload).toMatchObject({ sub, client_id: "checkout", scope: "orders:read" });
    }
  });

  test("drops scopes it does not know", async () => {
    const { tokenUrl } = await running(startOidcProvider());
    for (const params of [CLIENT_CREDENTIALS, PASSWORD]) {
      const scope = "orders:read orders:delete reports:read";
      const { body } = await requestToken(tokenUrl, { ...params, scope }, CHECKOUT);
      expect(body.scope).toBe("orders:read reports:read");
    }
  });

  test("issues tokens for another resource on request, and for no unknown one", async () => {
    const { tokenUrl } = await running(startOidcProvider());
    for (const params of [CLIENT_CREDENTIALS, PASSWORD]) {
      const resource = "https://reports.example.test";
      const { body } = await requestToken(tokenUrl, { ...params, resource }, CHECKOUT);
      expect(decodeJwt(body.access_token).aud).toBe(resource);

      const unknown = { ...params, resource: "https://nowhere.example.test" };
      expect((await requestToken(tokenUrl, unknown, CHECKOUT)).body.error).toBe("invalid_target");
    }
  });

  test("turns a custom body parameter and a custom header into claims", async () => {
    const { tokenUrl } = await running(startOidcProvider());
    const headers = { "x-tenant-region": "eu" };
    for (const params of [CLIENT_CREDENTIALS, PASSWORD]) {
      const custom = { ...params, tenant: "acme" };
      const { body } = await requestToken(tokenUrl, custom, CHECKOUT, headers);
      expect(decodeJwt(body.access_token)).toMatchObject({ tenant: "acme", region: "eu" });
    }
  });

  test("publishes its endpoints for discovery", async () => {
    const { issuer, tokenUrl, jwksUrl } = await running(startOidcProvider());
    const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
    expect(metadata).toMatchObject({ issuer, token_endpoint: tokenUrl, jwks_uri: jwksUrl });
  });

  test("prints nothing", async () => {
    const methods = ["log", "info", "warn", "error"] as const;
    const printed = methods.map((method) => vi.spyOn(console, method));
    const { tokenUrl } = await running(startOidcProvider());
    await requestToken(tokenUrl, CLIENT_CREDENTIALS, CHECKOUT);
    await requestToken(tokenUrl, PASSWORD, CHECKOUT);
    for (const spy of printed) expect(spy).not.toHaveBeenCalled();
  });
});

describe("oauth2-server", () => {
  test("knows which opaque access tokens are active", async () => {
    const server = await running(startOAuth2Server({ accessTokenTtl: 60 }));
    const first = (await requestToken(server.tokenUrl, CLIENT_CREDENTIALS, CHECKOUT)).body;
    const second = (await requestToken(server.tokenUrl, CLIENT_CREDENTIALS, CHECKOUT)).body;
    expect(server.isActive("made-up")).toBe(false);
    expect(server.isActive(first.access_token)).toBe(true);

    server.revoke(first.access_token);
    expect(server.isActive(first.access_token)).toBe(false);
    expect(server.isActive(second.access_token)).toBe(true);
    passTime(61);
    expect(server.isActive(second.access_token)).toBe(false);
  });

  test("revokes the family of a spent refresh token, once, and no other family", async () => {
    const server = await running(startOAuth2Server());
    const family = (await requestToken(server.tokenUrl, PASSWORD, CHECKOUT)).body;
    const other = (await requestToken(server.tokenUrl, PASSWORD, CHECKOUT)).body;
    const refresh = (token = "") =>
      requestToken(
        server.tokenUrl,
        { grant_type: "refresh_token", refresh_token: token },
        CHECKOUT,
      );
    const refreshed = (await refresh(family.refresh_token)).body;
    expect(server.isActive(refreshed.access_token)).toBe(true);
    expect(server.familiesRevoked).toBe(0);

    await refresh(family.refresh_token);
    await refresh(family.refresh_token);
    expect(server.familiesRevoked).toBe(1);
    expect(server.isActive(family.access_token)).toBe(false);
    expect(server.isActive(refreshed.access_token)).toBe(false);
    expect(server.isActive(other.access_token)).toBe(true);
    expect((await refresh(other.refresh_token)).status).toBe(200);
  });

  test("treats two refreshes with one token at the same time as a reuse", async () => {
    const server = await running(startOAuth2Server());
    const { body } = await requestToken(server.tokenUrl, PASSWORD, CHECKOUT);
    const params = { grant_type: "refresh_token", refresh_token: body.refresh_token ?? "" };
    const both = await Promise.all([
      requestToken(server.tokenUrl, params, CHECKOUT),
      requestToken(server.tokenUrl, params, CHECKOUT),
    ]);
    expect(both.map(({ status }) => status)).toContain(400);
    expect(server.familiesRevoked).toBe(1);
  });

  test("refuses scopes it does not know", async () => {
    const { tokenUrl } = await running(startOAuth2Server());
    const params = { ...CLIENT_CREDENTIALS, scope: "orders:delete" };
    expect((await requestToken(tokenUrl, params, CHECKOUT)).body.error).toBe("invalid_scope");
  });

  test("compares Basic credentials as they come when told not to decode them", async () => {
    const { tokenUrl } = await running(startOAuth2Server({ decodeBasicCredentials: false }));
    const encoded = { id: "checkout", secret: "checkout%2Dsecret" };
    expect((await requestToken(tokenUrl, CLIENT_CREDENTIALS, CHECKOUT)).status).toBe(200);
    expect((await requestToken(tokenUrl, CLIENT_CREDENTIALS, encoded)).status).toBe(401);
  });

  test("answers a request that is no token request with an OAuth error", async () => {
    const { tokenUrl } = await running(startOAuth2Server());
    const response = await fetch(tokenUrl);
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: "invalid_request" },
    ]);
  });
});

describe("the backend", () => {
  test("serves a request with a valid JWT, and shows what it received", async () => {
    const { backend, token } = await jwtBackend();
    const response = await fetch(`${backend.origin}/v1/orders?page=2`, {
      method: "POST",
      headers: { ...bearer(token), "content-type": "application/json" },
      body: '{"item":1}',
    });
    expect([response.status, await response.json()]).toMatchObject([
      200,
      {
        method: "POST",
        path: "/v1/orders",
        query: { page: "2" },
        body: { item: 1 },
        claims: { client_id: "checkout" },
      },
    ]);
    expect(backend.requests).toMatchObject([
      {
        method: "POST",
        path: "/v1/orders",
        authorization: `Bearer ${token}`,
        headers: { "content-type": "application/json" },
        body: '{"item":1}',
        status: 200,
      },
    ]);
  });

  test("asks for a token, without an error code, when none was sent", async () => {
    const { backend } = await jwtBackend();
    const response = await fetch(backend.url);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="backend"');
    expect(backend.requests[0]).not.toHaveProperty("authorization");
  });

  test("refuses bad, expired and revoked tokens as invalid_token", async () => {
    const { backend, token } = await jwtBackend();
    expect((await fetch(backend.url, { headers: bearer(token) })).status).toBe(200);
    await expectInvalidToken(backend.url, "made-up");
    await expectInvalidToken(backend.url, `${token.slice(0, -8)}AAAAAAAA`);
    passTime(3601);
    await expectInvalidToken(backend.url, token);

    vi.useRealTimers();
    backend.revoke(token);
    await expectInvalidToken(backend.url, token);
    expect(backend.requests.map(({ status }) => status)).toEqual([200, 401, 401, 401, 401]);
  });

  test("refuses a token made for another audience", async () => {
    const { server, backend } = await jwtBackend();
    const params = { ...CLIENT_CREDENTIALS, resource: "https://reports.example.test" };
    const { body } = await requestToken(server.tokenUrl, params, CHECKOUT);
    await expectInvalidToken(backend.url, body.access_token);
  });

  test("refuses every token while told to", async () => {
    const { backend, token } = await jwtBackend();
    backend.refuseAll(true);
    await expectInvalidToken(backend.url, token);
    backend.refuseAll(false);
    expect((await fetch(backend.url, { headers: bearer(token) })).status).toBe(200);
  });

  test("keeps its administration to itself", async () => {
    const { backend, token } = await jwtBackend();
    const url = `${backend.origin}/v1/admin/users`;
    const response = await fetch(url, { headers: bearer(token) });
    expect(response.status).toBe(403);
    expect(response.headers.get("www-authenticate")).toContain('error="insufficient_scope"');
    expect((await fetch(url)).status).toBe(401);
  });

  test("redirects wherever it is told to", async () => {
    const { backend, token } = await jwtBackend();
    const redirect = async (query: string) => {
      const url = `${backend.origin}/v1/redirect?${query}`;
      const response = await fetch(url, { headers: bearer(token), redirect: "manual" });
      return [response.status, response.headers.get("location")];
    };
    expect(await redirect("to=/v1/orders")).toEqual([302, "/v1/orders"]);
    const elsewhere = "http://localhost:1/x?y=z";
    const query = `to=${encodeURIComponent(elsewhere)}&status=307`;
    expect(await redirect(query)).toEqual([307, elsewhere]);
  });

  test("gives scripted answers first", async () => {
    const { backend, token } = await jwtBackend();
    backend.respondNext(1, 429, { error: "slow down" }, { "retry-after": "1" });
    const scripted = await fetch(backend.url);
    expect([scripted.status, await scripted.json()]).toEqual([429, { error: "slow down" }]);
    expect(scripted.headers.get("retry-after")).toBe("1");
    expect((await fetch(backend.url, { headers: bearer(token) })).status).toBe(200);
  });

  test("does not blame the token when the keys cannot be fetched", async () => {
    const { server, backend, token } = await jwtBackend();
    await server.close();
    expect((await fetch(backend.url, { headers: bearer(token) })).status).toBe(500);
  });

  test("checks opaque tokens through a callback", async () => {
    const server = await running(startOAuth2Server());
    const backend = await running(startBackend({ isActive: server.isActive }));
    const { body } = await requestToken(server.tokenUrl, CLIENT_CREDENTIALS, CHECKOUT);
    const headers = bearer(body.access_token);
    expect((await fetch(backend.url, { headers })).status).toBe(200);
    server.revoke(body.access_token);
    await expectInvalidToken(backend.url, body.access_token);
  });
});

describe("an http server", () => {
  test("closes with a request still unanswered, and may be closed again", async () => {
    const arrived = vi.fn();
    const server = await listen(arrived);
    const unanswered = expect(fetch(server.origin)).rejects.toThrow();
    await vi.waitUntil(() => arrived.mock.calls.length === 1);
    await server.close();
    await unanswered;
    await server.close();
    await expect(fetch(server.origin)).rejects.toThrow();
  });

  test("answers 500 when its handler throws", async () => {
    const server = await running(listen(() => Promise.reject(new Error("broken"))));
    expect((await fetch(server.origin)).status).toBe(500);
  });
});

async function running<T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  onTestFinished(() => server.close());
  return server;
}

async function jwtBackend() {
  const server = await running(startOidcProvider());
  const backend = await running(startBackend(server));
  const { body } = await requestToken(server.tokenUrl, CLIENT_CREDENTIALS, CHECKOUT);
  return { server, backend, token: body.access_token };
}

/** Moves the clock of the servers, which run in this process; timers stay real. */
function passTime(seconds: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + seconds * 1000 });
}

function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}

async function expectInvalidToken(url: string, token: string): Promise<void> {
  const response = await fetch(url, { headers: bearer(token) });
  expect(response.status).toBe(401);
  expect(response.headers.get("www-authenticate")).toContain('error="invalid_token"');
}

function post(
  url: string,
  params: Record<string, string>,
  basic?: { id: string; secret: string },
  headers: Record<string, string> = {},
  signal: AbortSignal | null = null,
): Promise<Response> {
  const credentials = basic && { authorization: `Basic ${btoa(`${basic.id}:${basic.secret}`)}` };
  const body = new URLSearchParams(params);
  return fetch(url, { method: "POST", body, headers: { ...credentials, ...headers }, signal });
}

async function requestToken(...request: Parameters<typeof post>) {
  const response = await post(...request);
  const body = (await response.json()) as TokenResponse;
  return { status: response.status, headers: response.headers, body };
}
