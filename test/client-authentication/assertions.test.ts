import { KeyObject, webcrypto } from "node:crypto";
import { EndpointSecurity } from "endpoint-security";
import { decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import { signing, takingEndpoint, token } from "./assertion-endpoint.ts";
import { algorithms, jwk, pem, privateKeys, publicKeys } from "./keys.ts";

const secret = "a-secret-that-is-long-enough-for-every-hash-there-is-0123456789-abc";
const bySecret = {
  ...signing,
  tokenEndpointAuthMethod: "client_secret_jwt",
  clientSecret: secret,
} as const;

const rsa = privateKeys.rsa;
const p256 = privateKeys.p256;
const webKey = async (extractable: boolean) =>
  webcrypto.subtle.importKey(
    "pkcs8",
    p256.export({ format: "der", type: "pkcs8" }),
    { name: "ECDSA", namedCurve: "P-256" },
    extractable,
    ["sign"],
  );
const exportable = await webKey(true);
const forms = {
  "PEM, PKCS #8": [pem(rsa), publicKeys.rsa],
  "PEM, PKCS #1": [pem(rsa, "pkcs1"), publicKeys.rsa],
  "PEM, SEC 1": [pem(p256, "sec1"), publicKeys.p256],
  "a JWK": [jwk(p256), publicKeys.p256],
  "a KeyObject": [p256, publicKeys.p256],
  "a CryptoKey": [exportable, publicKeys.p256],
  "a CryptoKey that can't be exported": [await webKey(false), publicKeys.p256],
  "a function": [() => pem(rsa), publicKeys.rsa],
  "an async function of a KeyObject": [async () => p256, publicKeys.p256],
  "a function of a JWK": [() => jwk(p256), publicKeys.p256],
} as const;

describe("private_key_jwt", () => {
  test.each(algorithms)("signs with %s", async (clientAssertionAlgorithm, kind) => {
    const endpoint = takingEndpoint();
    const security = new EndpointSecurity({ fetch: endpoint.fetch });
    const clientPrivateKey = privateKeys[kind];
    await security.getToken({ ...signing, clientPrivateKey, clientAssertionAlgorithm });
    const [assertion = ""] = endpoint.assertions;
    const { payload, protectedHeader } = await jwtVerify(assertion, publicKeys[kind], {
      audience: signing.tokenUrl,
      issuer: "checkout",
      subject: "checkout",
    });
    expect(protectedHeader).toEqual({ alg: clientAssertionAlgorithm });
    expect(payload.jti).toMatch(/./);
    expect(Number(payload.exp) - Number(payload.iat)).toBe(60);
    expect(Object.fromEntries(endpoint.requests[0] ?? [])).toEqual({
      grant_type: "client_credentials",
      client_id: "checkout",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: assertion,
    });
  });

  test.each([
    ["rsa", "RS256"],
    ["p256", "ES256"],
    ["p384", "ES384"],
    ["p521", "ES512"],
    ["ed25519", "EdDSA"],
  ] as const)("takes %s for %s where nothing is said", async (kind, alg) => {
    const endpoint = takingEndpoint();
    const security = new EndpointSecurity({ fetch: endpoint.fetch });
    await security.getToken({ ...signing, clientPrivateKey: pem(privateKeys[kind]) });
    expect(decodeProtectedHeader(endpoint.assertions[0] ?? "")).toEqual({ alg });
  });

  test.each(Object.entries(forms))("takes the key as %s", async (_form, [key, publicKey]) => {
    const endpoint = takingEndpoint();
    const security = new EndpointSecurity({ fetch: endpoint.fetch });
    await security.getToken({ ...signing, clientPrivateKey: key });
    const { payload } = await jwtVerify(endpoint.assertions[0] ?? "", publicKey);
    expect(payload.sub).toBe("checkout");
  });

  test("knows the same key again in whatever form it comes, and another key as another", async () => {
    const endpoint = takingEndpoint();
    const security = new EndpointSecurity({ fetch: endpoint.fetch });
    for (const key of [pem(p256), pem(p256, "sec1"), jwk(p256), p256, exportable, () => p256]) {
      await security.getToken({ ...signing, clientPrivateKey: key });
    }
    expect(endpoint.requests).toHaveLength(1);
    await security.getToken({ ...signing, clientPrivateKey: privateKeys.p384 });
    await security.getToken({ ...signing, clientPrivateKey: KeyObject.from(await otherKey()) });
    expect(endpoint.requests).toHaveLength(3);
  });

  async function otherKey() {
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    const pair = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    return pair.privateKey;
  }

  test("takes kid and alg from a JWK, and the configuration's before those", async () => {
    const endpoint = takingEndpoint();
    const security = new EndpointSecurity({ fetch: endpoint.fetch });
    const clientPrivateKey = { ...jwk(rsa), kid: "of-the-jwk", alg: "PS256" };
    await security.getToken({ ...signing, clientPrivateKey });
    await security.getToken({
      ...signing,
      clientPrivateKey,
      clientPrivateKeyId: "of-the-configuration",
      clientAssertionAlgorithm: "RS512",
    });
    expect(endpoint.assertions.map(decodeProtectedHeader)).toEqual([
      { alg: "PS256", kid: "of-the-jwk" },
      { alg: "RS512", kid: "of-the-configuration" },
    ]);
  });

  test("signs again after the key was rotated behind its function", async () => {
    const endpoint = takingEndpoint();
    const security = new EndpointSecurity({ fetch: endpoint.fetch });
    let key = p256;
    const config = { ...signing, clientPrivateKey: () => key };
    await security.getToken(config);
    key = privateKeys.p384;
    await security.invalidate(config);
    await security.getToken(config);
    expect(endpoint.assertions.map((one) => decodeProtectedHeader(one).alg)).toEqual([
      "ES256",
      "ES384",
    ]);
  });

  test.each([
    ["token_endpoint", signing.tokenUrl],
    [undefined, signing.tokenUrl],
    ["https://idp.test", "https://idp.test"],
    ["urn:example:idp", "urn:example:idp"],
  ])("is for %s", async (clientAssertionAudience, aud) => {
    const endpoint = takingEndpoint();
    const security = new EndpointSecurity({ fetch: endpoint.fetch });
    await security.getToken({ ...signing, clientPrivateKey: p256, clientAssertionAudience });
    await security.getToken({ ...bySecret, clientAssertionAudience });
    expect(endpoint.assertions.map((one) => decodeJwt(one).aud)).toEqual([aud, aud]);
  });
});

describe("client_secret_jwt", () => {
  test.each([undefined, "HS256", "HS384", "HS512"] as const)(
    "signs with the secret, by %s",
    async (clientAssertionAlgorithm) => {
      const endpoint = takingEndpoint();
      const security = new EndpointSecurity({ fetch: endpoint.fetch });
      await security.getToken({ ...bySecret, clientAssertionAlgorithm });
      const [assertion = ""] = endpoint.assertions;
      const { protectedHeader, payload } = await jwtVerify(assertion, Buffer.from(secret));
      expect(protectedHeader.alg).toBe(clientAssertionAlgorithm ?? "HS256");
      expect(payload).toMatchObject({ iss: "checkout", sub: "checkout", aud: signing.tokenUrl });
      expect(endpoint.requests[0]?.has("client_secret")).toBe(false);
    },
  );
});

describe("an assertion", () => {
  test.each([
    ["client_secret_jwt", bySecret],
    ["private_key_jwt", { ...signing, clientPrivateKey: privateKeys.p256 }],
  ] as const)("is another for every request and every retry: %s", async (_method, config) => {
    const endpoint = takingEndpoint((count) =>
      count < 3 ? new Response("", { status: 503, headers: { "retry-after": "0" } }) : token(count),
    );
    const security = new EndpointSecurity({ fetch: endpoint.fetch });
    await security.getToken(config);
    await security.invalidate(config);
    await security.getToken(config);
    expect(endpoint.requests).toHaveLength(4);
    expect(new Set(endpoint.assertions.map((one) => decodeJwt(one).jti)).size).toBe(4);
  });

  test("is taken out where the server quotes it", async () => {
    const endpoint = takingEndpoint();
    const fetch: typeof globalThis.fetch = async (input, init) => {
      await endpoint.fetch(input, init);
      const [assertion] = endpoint.assertions;
      const body = { error: "invalid_client", error_description: `bad: ${assertion}` };
      return Response.json(body, { status: 401 });
    };
    const config = { ...signing, clientPrivateKey: privateKeys.p256 };
    const call = new EndpointSecurity({ fetch }).getToken(config);
    await expect(call).rejects.toMatchObject({ errorDescription: "bad: [redacted]" });
  });
});
