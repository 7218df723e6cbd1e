import { EndpointSecurity } from "endpoint-security";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningAuthorizationServer, startOidcProvider } from "../servers/oidc-provider.ts";

let server: RunningAuthorizationServer;
beforeAll(async () => {
  server = await startOidcProvider();
});
afterAll(() => server.close());

const service = () =>
  ({
    grantType: "client_credentials",
    issuer: server.issuer,
    clientId: "checkout",
    clientSecret: "checkout-secret",
    scope: "orders:read",
  }) as const;

test("oidc-provider's token endpoint is found by its issuer", async () => {
  await using security = new EndpointSecurity();
  expect((await security.getToken(service())).scope).toBe("orders:read");
});

test("an issuer that is written in another way than oidc-provider writes it is reported", async () => {
  await using security = new EndpointSecurity();
  const call = security.getToken({ ...service(), issuer: `${server.issuer}/` });
  await expect(call).rejects.toMatchObject({
    problems: [{ path: "issuer", problem: expect.stringContaining("without a slash") }],
  });
});

test("an algorithm that oidc-provider doesn't offer is reported before the first request", async () => {
  await using security = new EndpointSecurity();
  const { generateKeyPairSync } = await import("node:crypto");
  const { clientSecret: _, ...base } = service();
  server.resetTokenRequests();
  const call = security.getToken({
    ...base,
    tokenEndpointAuthMethod: "private_key_jwt",
    clientPrivateKey: generateKeyPairSync("ed25519").privateKey,
    clientAssertionAlgorithm: "Ed25519",
  });
  await expect(call).rejects.toMatchObject({
    problems: [{ path: "clientAssertionAlgorithm", fix: expect.stringContaining('"EdDSA"') }],
  });
  expect(server.countTokenRequests()).toBe(0);
});
