import { EndpointSecurity } from "endpoint-security";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jwk, privateKeys, publicKeys } from "../client-authentication/keys.ts";
import { type RunningBackend, startBackend } from "../servers/backend.ts";
import { type RunningAuthorizationServer, startOidcProvider } from "../servers/oidc-provider.ts";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT = "urn:ietf:params:oauth:token-type:jwt";
const grantTypes = ["client_credentials", "password", JWT_BEARER, TOKEN_EXCHANGE];

let server: RunningAuthorizationServer;
let backend: RunningBackend;
beforeAll(async () => {
  server = await startOidcProvider({
    assertionKeys: [{ ...jwk(publicKeys.p256), kid: "p256" }],
    clients: [
      {
        clientId: "broker",
        clientSecret: "broker-secret",
        authMethod: "client_secret_basic",
        grantTypes,
      },
    ],
    users: [
      { username: "ada", password: "ada-password" },
      { username: "bob", password: "bob-password" },
    ],
  });
  backend = await startBackend(server);
});
afterAll(async () => {
  await backend.close();
  await server.close();
});

const broker = () =>
  ({
    url: `${backend.origin}/v1`,
    tokenUrl: server.tokenUrl,
    clientId: "broker",
    clientSecret: "broker-secret",
    scope: "orders:read",
  }) as const;

async function tokenOfUser(security: EndpointSecurity, username: string): Promise<string> {
  const password = `${username}-password`;
  const config = { ...broker(), grantType: "password", username, password } as const;
  return (await security.getToken(config)).accessToken;
}

describe("oidc-provider gives a token that the backend takes", () => {
  test("for an assertion that is signed here, each a new one", async () => {
    await using security = new EndpointSecurity();
    const endpoint = {
      ...broker(),
      grantType: JWT_BEARER,
      assertionPrivateKey: privateKeys.p256,
      assertionPrivateKeyId: "p256",
      assertionSubject: "ada",
    } as const;
    const response = await security.wrapFetch(endpoint)("/orders");
    expect(response.status).toBe(200);
    const first = await security.getToken(endpoint);
    expect(decodeJwt(first.accessToken).sub).toBe("ada");
    await security.invalidate(endpoint);
    expect((await security.getToken(endpoint)).accessToken).not.toBe(first.accessToken);
  });

  test("for an assertion that is given", async () => {
    await using security = new EndpointSecurity();
    const { signedAssertion } = await import("../../src/oauth/signed-assertion.ts");
    const key = { key: privateKeys.p256, algorithm: "ES256", keyId: "p256" };
    const claims = { iss: "https://home.test", sub: "bob", aud: server.issuer };
    const assertion = await signedAssertion(key, claims);
    const token = await security.getToken({ ...broker(), grantType: JWT_BEARER, assertion });
    expect(decodeJwt(token.accessToken).sub).toBe("bob");
  });

  test("in exchange for the token of each of several users", async () => {
    await using security = new EndpointSecurity();
    const subs: unknown[] = [];
    for (const user of ["ada", "bob", "ada"]) {
      const subjectToken = await tokenOfUser(security, user);
      const endpoint = { ...broker(), grantType: TOKEN_EXCHANGE, subjectToken } as const;
      expect((await security.wrapFetch(endpoint)("/orders")).status).toBe(200);
      const token = await security.getToken(endpoint);
      expect(token.issuedTokenType).toBe("urn:ietf:params:oauth:token-type:access_token");
      subs.push(decodeJwt(token.accessToken).sub);
    }
    expect(subs).toEqual(["ada", "bob", "ada"]);
  });

  test("that names the actor, with all parameters", async () => {
    await using security = new EndpointSecurity();
    const token = await security.getToken({
      ...broker(),
      grantType: TOKEN_EXCHANGE,
      subjectToken: () => tokenOfUser(security, "ada"),
      subjectTokenType: "urn:ietf:params:oauth:token-type:access_token",
      actorToken: async () =>
        (await security.getToken({ ...broker(), grantType: "client_credentials" })).accessToken,
      actorTokenType: "urn:ietf:params:oauth:token-type:access_token",
      resource: "https://reports.example.test",
      audience: "reports",
      scope: "reports:read",
    });
    expect(decodeJwt(token.accessToken)).toMatchObject({
      sub: "ada",
      act: { sub: "broker" },
      aud: "https://reports.example.test",
      scope: "reports:read",
    });
  });
});

test("a token that is no access token comes by getToken, and goes into no header", async () => {
  await using security = new EndpointSecurity();
  const endpoint = {
    ...broker(),
    grantType: TOKEN_EXCHANGE,
    subjectToken: await tokenOfUser(security, "ada"),
    requestedTokenType: JWT,
  } as const;
  expect((await security.getToken(endpoint)).toJSON()).toMatchObject({
    tokenType: "N_A",
    issuedTokenType: JWT,
  });
  await expect(security.wrapFetch(endpoint)("/orders")).rejects.toMatchObject({
    code: "invalid_configuration",
    problems: [{ path: "requestedTokenType" }],
  });
});

test("a subject token that isn't taken is refused as invalid_grant", async () => {
  await using security = new EndpointSecurity();
  const endpoint = { ...broker(), grantType: TOKEN_EXCHANGE, subjectToken: "forged" } as const;
  await expect(security.getToken(endpoint)).rejects.toMatchObject({ error: "invalid_grant" });
});
