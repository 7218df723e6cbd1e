import { EndpointSecurity } from "endpoint-security";
import { createTokenEndpoint, type TokenEndpointOptions } from "endpoint-security/testing";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { describe, expect, it, onTestFinished } from "vitest";

async function start(options?: TokenEndpointOptions) {
  const idp = await createTokenEndpoint(options);
  onTestFinished(() => idp.close());
  const orders = {
    url: idp.resourceUrl,
    grantType: "client_credentials",
    tokenUrl: idp.tokenUrl,
    clientId: "checkout",
    clientSecret: "secret",
    tokenRequest: { retries: 0, coolDownMs: 0 },
  } as const;
  return { idp, orders, security: new EndpointSecurity() };
}

describe("A token endpoint for tests", () => {
  it("issues tokens that its keys verify, and records what was asked", async () => {
    const { idp, orders, security } = await start();
    const { accessToken } = await security.getToken({ ...orders, scope: "orders:read" });
    const keys = createRemoteJWKSet(new URL(`${idp.issuer}/keys`));
    const { payload } = await jwtVerify(accessToken, keys, { issuer: idp.issuer });
    expect(payload).toMatchObject({ client_id: "checkout", scope: "orders:read" });
    expect(idp.requests).toHaveLength(1);
    expect(idp.requests[0]).toMatchObject({
      grantType: "client_credentials",
      clientId: "checkout",
      parameters: { grant_type: "client_credentials", scope: "orders:read" },
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
  });

  it("is found from its issuer, and takes any grant", async () => {
    const { idp, security } = await start({ refreshTokens: true });
    const common = {
      url: idp.resourceUrl,
      issuer: idp.issuer,
      clientId: "checkout",
      clientSecret: "s",
    };
    const password = { ...common, grantType: "password", username: "u", password: "p" } as const;
    const exchange = {
      ...common,
      grantType: "urn:ietf:params:oauth:grant-type:token-exchange",
      subjectToken: "of the caller",
    } as const;
    for (const endpoint of [password, exchange]) {
      const response = await security.wrapFetch(endpoint)("/orders/42");
      expect(await response.json()).toMatchObject({ path: "/resource/orders/42" });
    }
    expect(idp.requests.map(({ grantType }) => grantType)).toEqual([
      "password",
      "urn:ietf:params:oauth:grant-type:token-exchange",
    ]);
  });

  it("gives scripted answers in their order, and then tokens again", async () => {
    const { idp, orders, security } = await start();
    idp.next({ status: 400, body: { error: "invalid_scope" } });
    idp.next({ body: "<html>", headers: { "content-type": "text/html" } });
    idp.next({ reset: true });
    const codes: unknown[] = [];
    for (let call = 0; call < 3; call++) {
      codes.push(await security.getAuthHeader(orders).catch(({ code }) => code));
    }
    expect(codes).toEqual([
      "token_request_rejected",
      "invalid_token_response",
      "token_endpoint_unavailable",
    ]);
    expect(await security.getAuthHeader(orders)).toMatch(/^Bearer ey/);
  });

  it("fails as long as it is told to", async () => {
    const { idp, orders, security } = await start();
    idp.failWith(503);
    await expect(security.getAuthHeader(orders)).rejects.toMatchObject({ status: 503 });
    await expect(security.getAuthHeader(orders)).rejects.toMatchObject({ status: 503 });
    idp.failWith();
    await expect(security.getAuthHeader(orders)).resolves.toBeTruthy();
  });

  it("has a backend that no longer accepts a revoked token, so that it is renewed", async () => {
    const { idp, orders, security } = await start();
    const ordersFetch = security.wrapFetch(orders);
    expect((await ordersFetch("/orders/42")).status).toBe(200);
    idp.revoke((await security.getToken(orders)).accessToken);
    expect((await ordersFetch("/orders/42")).status).toBe(200);
    expect(idp.requests).toHaveLength(2);
    expect((await fetch(idp.resourceUrl)).status).toBe(401);
  });

  it("issues tokens that live as long as it is told", async () => {
    const { idp, orders, security } = await start({ lifetimeSeconds: 60 });
    const first = await security.getToken(orders);
    idp.lifetimeSeconds = 600;
    await security.invalidate(orders);
    const second = await security.getToken(orders);
    const livesMs = [first, second].map(({ expiresAt, issuedAt }) => expiresAt - issuedAt);
    expect(livesMs).toEqual([60_000, 600_000]);
  });

  it("is closed at the end of its scope, with requests under way", async () => {
    const { orders, security } = await start();
    let asking: Promise<unknown>;
    {
      await using idp = await createTokenEndpoint({ latencyMs: 600_000 });
      asking = security
        .getAuthHeader({ ...orders, tokenUrl: idp.tokenUrl })
        .catch(({ code }) => code);
      while (idp.requests.length === 0) await new Promise(setImmediate);
    }
    expect(await asking).toBe("token_endpoint_unavailable");
  });
});
