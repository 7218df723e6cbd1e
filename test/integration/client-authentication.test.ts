import { writeFile } from "node:fs/promises";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { algorithms, jwk, pem, privateKeys, publicKeys } from "../client-authentication/keys.ts";
import { type RunningAuthorizationServer, startOidcProvider } from "../servers/oidc-provider.ts";

const secret = "a-secret-that-is-long-enough-for-every-hash-there-is-0123456789-abc";
const kids = Object.fromEntries(
  Object.entries(publicKeys).map(([kind, key]) => [kind, { ...jwk(key), kid: kind, use: "sig" }]),
);

let server: RunningAuthorizationServer;
beforeAll(async () => {
  server = await startOidcProvider({
    clients: [
      {
        clientId: "by-secret",
        clientSecret: secret,
        authMethod: "client_secret_jwt",
        grantTypes: ["client_credentials"],
      },
      {
        clientId: "by-key",
        authMethod: "private_key_jwt",
        publicKeys: Object.values(kids),
        grantTypes: ["client_credentials"],
      },
    ],
  });
});
afterAll(() => server.close());

const common = () =>
  ({ grantType: "client_credentials", tokenUrl: server.tokenUrl, scope: "orders:read" }) as const;
const byKey = () =>
  ({ ...common(), clientId: "by-key", tokenEndpointAuthMethod: "private_key_jwt" }) as const;

async function expectTaken(config: EndpointConfig): Promise<void> {
  await using security = new EndpointSecurity();
  expect((await security.getToken(config)).scope).toBe("orders:read");
  // Refused where an assertion were sent twice.
  await security.invalidate(config);
  await security.getToken(config);
}

describe("oidc-provider takes", () => {
  test.each(["HS256", "HS384", "HS512"] as const)(
    "client_secret_jwt with %s",
    async (clientAssertionAlgorithm) => {
      await expectTaken({
        ...common(),
        clientId: "by-secret",
        clientSecret: secret,
        tokenEndpointAuthMethod: "client_secret_jwt",
        clientAssertionAlgorithm,
      });
    },
  );

  // It knows EdDSA by its older name alone.
  const known = algorithms.filter(([name]) => name !== "Ed25519");
  test.each(known)("private_key_jwt with %s", async (clientAssertionAlgorithm, kind) => {
    await expectTaken({
      ...byKey(),
      clientPrivateKey: pem(privateKeys[kind]),
      clientPrivateKeyId: kind,
      clientAssertionAlgorithm,
    });
  });

  test("private_key_jwt for the issuer as its audience", async () => {
    const clientPrivateKey = { ...jwk(privateKeys.p256), kid: "p256" };
    const clientAssertionAudience = server.issuer;
    await expectTaken({ ...byKey(), clientPrivateKey, clientAssertionAudience });
  });

  test("an assertion that somebody else signed for the client", async () => {
    const { signedAssertion } = await import("../../src/oauth/signed-assertion.ts");
    const key = { key: privateKeys.p256, algorithm: "ES256", keyId: "p256" };
    const claims = { iss: "by-key", sub: "by-key", aud: server.tokenUrl };
    await expectTaken({ ...byKey(), clientAssertion: () => signedAssertion(key, claims) });
  });

  test("an assertion from a file", async ({ onTestFinished }) => {
    const { signedAssertion } = await import("../../src/oauth/signed-assertion.ts");
    const { mkdtemp, rm } = await import("node:fs/promises");
    const { tmpdir } = await import("node:os");
    const folder = await mkdtemp(`${tmpdir()}/assertion-`);
    onTestFinished(() => rm(folder, { recursive: true }));
    const clientAssertionFile = `${folder}/token`;
    const key = { key: privateKeys.p256, algorithm: "ES256", keyId: "p256" };
    const claims = { iss: "by-key", sub: "by-key", aud: server.tokenUrl };
    await writeFile(clientAssertionFile, await signedAssertion(key, claims));
    await using security = new EndpointSecurity();
    const token = await security.getToken({ ...byKey(), clientAssertionFile });
    expect(token.scope).toBe("orders:read");
  });
});

describe("oidc-provider refuses", () => {
  test.each([
    ["another key", { clientPrivateKey: privateKeys.p256, clientPrivateKeyId: "rsa" }],
    [
      "another audience",
      { clientPrivateKey: privateKeys.rsa, clientAssertionAudience: "https://other.test" },
    ],
  ])("%s, as invalid_client", async (_what, wrong) => {
    await using security = new EndpointSecurity();
    const call = security.getToken({ ...byKey(), ...wrong });
    await expect(call).rejects.toMatchObject({ status: 401, error: "invalid_client" });
  });
});
