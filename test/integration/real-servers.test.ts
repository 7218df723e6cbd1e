import { EndpointSecurity, TokenRequestRejectedError } from "endpoint-security";
import { decodeJwt } from "jose";
import Keyv from "keyv";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type RunningBackend, startBackend } from "../servers/backend.ts";
import { type RunningOAuth2Server, startOAuth2Server } from "../servers/oauth2-server.ts";
import { type RunningAuthorizationServer, startOidcProvider } from "../servers/oidc-provider.ts";

type Server = RunningAuthorizationServer | RunningOAuth2Server;

interface House {
  server: Server;
  backend: RunningBackend;
}

const houses: [string, (options?: { accessTokenTtl?: number }) => Promise<House>][] = [
  [
    "oidc-provider",
    async (options) => {
      const server = await startOidcProvider(options);
      return { server, backend: await startBackend(server) };
    },
  ],
  [
    "oauth2-server",
    async (options) => {
      const server = await startOAuth2Server(options);
      return { server, backend: await startBackend(server) };
    },
  ],
];

describe.each(houses)("with %s", (name, build) => {
  async function start(options?: { accessTokenTtl?: number }) {
    const { server, backend } = await build(options);
    const security = new EndpointSecurity();
    onTestFinished(async () => {
      await security.close();
      await backend.close();
      await server.close();
    });
    const common = {
      name: "orders",
      url: `${backend.origin}/v1`,
      tokenUrl: server.tokenUrl,
      scope: "orders:read",
    };
    const basic = { ...common, clientId: "checkout", clientSecret: "checkout-secret" };
    return {
      server,
      backend,
      security,
      clientCredentials: { ...basic, grantType: "client_credentials" as const },
      password: {
        ...basic,
        grantType: "password" as const,
        username: "svc",
        password: "svc-password",
      },
      post: {
        ...common,
        grantType: "client_credentials" as const,
        clientId: "reports-post",
        clientSecret: "reports-post-secret",
        tokenEndpointAuthMethod: "client_secret_post" as const,
      },
      publicClient: {
        ...common,
        grantType: "password" as const,
        clientId: "public",
        tokenEndpointAuthMethod: "none" as const,
        username: "svc",
        password: "svc-password",
      },
    };
  }

  test.each(["clientCredentials", "password", "post", "publicClient"] as const)(
    "%s gets a token that the backend takes",
    async (which) => {
      const house = await start();
      const endpoint = house[which];
      const response = await house.security.wrapFetch(endpoint)("/orders?page=2");
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ path: "/v1/orders", query: { page: "2" } });
      const token = await house.security.getToken(endpoint);
      expect(token.scope).toBe("orders:read");
      expect(token.expiresAt).toBeGreaterThan(Date.now());
      expect(house.server.tokenRequests).toMatchObject([
        { clientId: endpoint.clientId, grantType: endpoint.grantType, status: 200 },
      ]);
    },
  );

  test("the two grants of one client have a token each", async () => {
    const { server, security, clientCredentials, password } = await start();
    const [one, two] = [
      await security.getAuthHeader(clientCredentials),
      await security.getAuthHeader(password),
    ];
    expect(one).not.toBe(two);
    expect(server.countTokenRequests()).toBe(2);
  });

  test("a wrong secret is refused as invalid_client, and another endpoint isn't", async () => {
    const { security, clientCredentials, server } = await start();
    const wrong = { ...clientCredentials, clientSecret: "wrong" };
    const call = security.getAuthHeader(wrong);
    await expect(call).rejects.toThrow(TokenRequestRejectedError);
    await expect(call).rejects.toMatchObject({ status: 401, error: "invalid_client" });
    expect(await security.getAuthHeader(clientCredentials)).toMatch(/^Bearer /);
    expect(server.countTokenRequests({ status: 401 })).toBe(1);
  });

  test("a wrong password is refused as invalid_grant", async () => {
    const { security, password } = await start();
    const call = security.getAuthHeader({ ...password, password: "wrong" });
    await expect(call).rejects.toMatchObject({ status: 400, error: "invalid_grant" });
  });

  test("a secret rotated at the server is taken up with the next token request", async () => {
    const { security, clientCredentials, server } = await start();
    let secret = "checkout-secret";
    const endpoint = { ...clientCredentials, clientSecret: () => secret };
    const first = await security.getToken(endpoint);
    server.setClientSecret("checkout", "rotated");
    const { accessToken: rejectedToken } = first;
    await expect(security.getToken(endpoint, { rejectedToken })).rejects.toMatchObject({
      error: "invalid_client",
    });
    secret = "rotated";
    const second = await security.getToken(endpoint, { rejectedToken });
    expect(second.accessToken).not.toBe(rejectedToken);
  });

  test("a thousand calls make one token request", async () => {
    const { security, clientCredentials, server, backend } = await start();
    const wrapped = security.wrapFetch(clientCredentials);
    const headers = await Promise.all(
      Array.from({ length: 1_000 }, () => security.getAuthHeader(clientCredentials)),
    );
    expect(new Set(headers).size).toBe(1);
    expect((await wrapped("/orders")).status).toBe(200);
    expect(server.countTokenRequests()).toBe(1);
    expect(backend.requests.map(({ authorization }) => authorization)).toEqual([headers[0]]);
  });

  test("a token of one second is renewed before the backend refuses it", async () => {
    const { security, clientCredentials, server, backend } = await start({ accessTokenTtl: 1 });
    const wrapped = security.wrapFetch(clientCredentials);
    const sent = () => new Set(backend.requests.map(({ authorization }) => authorization));
    // Its JWT expires at a whole second, so on a busy machine it may have expired when it arrives.
    let expired = 0;
    await vi.waitUntil(
      async () => {
        const response = await wrapped("/orders").catch((error: { code?: string }) => {
          if (error.code !== "token_expired_on_arrival") throw error;
          expired++;
        });
        // A call that takes half a second on a busy machine may arrive too late, and is renewed.
        if (response !== undefined) expect(response.status).toBe(200);
        // The third is renewed in the background: a later call is the first to send it.
        return sent().size >= 3;
      },
      { timeout: 20_000, interval: 50 },
    );
    // Each is sent: none is requested in vain.
    expect(server.countTokenRequests({ status: 200 })).toBeLessThanOrEqual(
      sent().size + 1 + expired,
    );
  });

  test("a token that has expired is not sent", async () => {
    const { security, clientCredentials, server } = await start({ accessTokenTtl: 2 });
    const first = await security.getToken(clientCredentials);
    await vi.waitUntil(() => Date.now() >= first.expiresAt, { timeout: 20_000, interval: 20 });
    const second = await security.getToken(clientCredentials);
    expect(second.accessToken).not.toBe(first.accessToken);
    expect(second.expiresAt).toBeGreaterThan(Date.now());
    expect(server.countTokenRequests()).toBe(2);
  });

  test("a revoked token costs a hundred requests in flight one renewal, and none fails", async () => {
    const { security, clientCredentials, server, backend } = await start();
    const { accessToken } = await security.getToken(clientCredentials);
    backend.revoke(accessToken);
    const wrapped = security.wrapFetch(clientCredentials);
    const headers = { "content-type": "application/json" };
    const responses = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        wrapped("/orders", { method: "POST", body: JSON.stringify({ index }), headers }),
      ),
    );
    const answers = await Promise.all(
      responses.map(async (response) => (await response.json()) as { body: { index: number } }),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array(100).fill(200));
    expect(answers.map(({ body }) => body.index)).toEqual([...Array(100).keys()]);
    expect(server.countTokenRequests()).toBe(2);
  });

  test("a token revoked again and again is renewed each time", async () => {
    const { security, clientCredentials, server, backend } = await start();
    const wrapped = security.wrapFetch(clientCredentials);
    for (let round = 1; round <= 3; round++) {
      expect((await wrapped("/orders")).status).toBe(200);
      expect(server.countTokenRequests()).toBe(round);
      backend.revoke((await security.getToken(clientCredentials)).accessToken);
    }
  });

  test("a backend that refuses everything gets two requests, and the caller its 401", async () => {
    const { security, clientCredentials, server, backend } = await start();
    backend.refuseAll(true);
    const response = await security.wrapFetch(clientCredentials)("/orders");
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ error: "invalid_token" });
    expect(backend.requests).toHaveLength(2);
    expect(server.countTokenRequests()).toBe(2);
  });

  test("a place that needs another scope answers 403, and nothing is renewed", async () => {
    const { security, clientCredentials, server, backend } = await start();
    const response = await security.wrapFetch(clientCredentials)("/admin");
    expect(response.status).toBe(403);
    expect(backend.requests).toHaveLength(1);
    expect(server.countTokenRequests()).toBe(1);
  });

  test("a redirect within the backend is followed with the token", async () => {
    const { security, clientCredentials } = await start();
    const response = await security.wrapFetch(clientCredentials)("/redirect?to=/v1/orders");
    expect([response.status, response.redirected]).toEqual([200, true]);
  });

  test("a token endpoint that is down for a moment fails one call, with its Retry-After", async () => {
    const { security, clientCredentials, server } = await start();
    server.failNext(1, 503, {}, { "retry-after": "0" });
    const outcome = await security
      .getAuthHeader(clientCredentials)
      .catch((error: unknown) => error);
    if (typeof outcome !== "string") {
      expect(outcome).toMatchObject({ code: "token_endpoint_unavailable", status: 503 });
    }
    expect(await security.getAuthHeader(clientCredentials)).toMatch(/^Bearer /);
  });

  test("two instances with one cache make one token request", async () => {
    const { clientCredentials, server } = await start();
    const cache = new Keyv();
    const first = new EndpointSecurity({ cache });
    const header = await first.getAuthHeader(clientCredentials);
    await first.close();
    const second = new EndpointSecurity({ cache });
    expect(await second.getAuthHeader(clientCredentials)).toBe(header);
    await second.close();
    expect(server.countTokenRequests()).toBe(1);
  });

  if (name === "oidc-provider") {
    test("custom parameters and headers show up in the token", async () => {
      const { security, clientCredentials } = await start();
      const tenantOf = async (tenant: string) => {
        const { accessToken } = await security.getToken({
          ...clientCredentials,
          customParameters: { tenant },
          tokenRequest: { headers: { "X-Tenant-Region": `region of ${tenant}` } },
        });
        return decodeJwt(accessToken);
      };
      expect(await tenantOf("a")).toMatchObject({ tenant: "a", region: "region of a" });
      expect(await tenantOf("b")).toMatchObject({ tenant: "b", region: "region of b" });
    });
  }
});

test.each([
  ["a bare server that doesn't decode", false, "plain-id_1.x~", "plain-secret_1.x~", "form"],
  ["a server that decodes", true, "client+id &", "s3cr t:%/+&~*", "form"],
  ["a bare server, raw", false, "client id", "s3cr t:%/+&~*", "raw"],
] as const)(
  "Basic credentials reach %s",
  async (_what, decodeBasicCredentials, clientId, clientSecret, clientSecretBasicEncoding) => {
    const server = await startOAuth2Server({
      decodeBasicCredentials,
      clients: [
        {
          clientId,
          clientSecret,
          authMethod: "client_secret_basic",
          grantTypes: ["client_credentials"],
        },
      ],
    });
    onTestFinished(server.close);
    const header = await new EndpointSecurity().getAuthHeader({
      grantType: "client_credentials",
      tokenUrl: server.tokenUrl,
      clientId,
      clientSecret,
      clientSecretBasicEncoding,
    });
    expect(header).toMatch(/^Bearer /);
  },
);
