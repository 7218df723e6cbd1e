import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EndpointSecurity, type Fetch } from "endpoint-security";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { jwk, pem, privateKeys } from "../client-authentication/keys.ts";
import { unchecked } from "./unchecked.ts";

const folder = mkdtempSync(join(tmpdir(), "identity-"));
afterAll(() => rmSync(folder, { recursive: true }));
const fileOf = (name: string) => {
  const path = join(folder, name);
  writeFileSync(path, "the.same.assertion");
  return path;
};

/** Values of a field, each with what it says: equal where two values say the same. */
type Values = readonly (readonly [content: string, value: unknown])[];
const plain = (...values: readonly (string | undefined)[]): Values =>
  values.map((value) => [String(value), value]);

const keys: Values = [
  ["p256", privateKeys.p256],
  ["p256", pem(privateKeys.p256)],
  ["p256", pem(privateKeys.p256, "sec1")],
  ["p256", jwk(privateKeys.p256)],
  ["p256", () => pem(privateKeys.p256)],
  ["p256 with a kid", { ...jwk(privateKeys.p256), kid: "a" }],
  ["p384", privateKeys.p384],
  ["rsa", privateKeys.rsa],
  ["rsa", pem(privateKeys.rsa, "pkcs1")],
  ["rsa for PS256", { ...jwk(privateKeys.rsa), alg: "PS256" }],
  ["ed25519", async () => privateKeys.ed25519],
];

const assertion = (claims: object) => {
  const parts = [{ alg: "ES256" }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  return () => [...parts, "signature"].join(".");
};
const assertions: Values = [
  ["a", assertion({ iss: "i", sub: "a", aud: "x" })],
  ["a", assertion({ iss: "i", sub: "a", aud: "x", jti: "1", exp: 1 })],
  ["b", assertion({ iss: "i", sub: "b", aud: "x" })],
  ["of another issuer", assertion({ iss: "j", sub: "a", aud: "x" })],
  ["for another audience", assertion({ iss: "i", sub: "a", aud: "y" })],
  ["of nobody", assertion({})],
  ["of nobody, later", assertion({ exp: 1 })],
  ["opaque", () => "opaque"],
];

const base = {
  grantType: "client_credentials",
  tokenUrl: "https://idp.test/token",
  clientId: "checkout",
};
const byKey = { ...base, tokenEndpointAuthMethod: "private_key_jwt" };
const signing = { ...byKey, clientPrivateKey: privateKeys.rsa };
const bySecret = {
  ...base,
  tokenEndpointAuthMethod: "client_secret_jwt",
  clientSecret: "checkout-secret",
};
const { tokenUrl: _, ...placeless } = { ...base, clientSecret: "checkout-secret" };
const issuers = ["https://a.test", "https://a.test/", "https://a.test/t", "https://b.test"];

const fields: [field: string, base: object, values: Values][] = [
  ["clientPrivateKey", byKey, keys],
  ["clientAssertion", byKey, assertions],
  ["clientAssertionFile", byKey, plain(fileOf("a"), fileOf("b"))],
  ["clientPrivateKeyId", signing, plain("a", "b", undefined)],
  ["clientAssertionAlgorithm", signing, plain("RS256", "RS512", "PS256", undefined)],
  ["clientAssertionAlgorithm", bySecret, plain("HS256", "HS512", undefined)],
  ["clientAssertionAudience", signing, plain("a", "b", "token_endpoint", undefined)],
  ["clientSecret", { ...bySecret, clientSecret: undefined }, plain("a", "b")],
  [
    "tokenEndpointAuthMethod",
    { ...base, clientSecret: "checkout-secret" },
    [
      ...plain("client_secret_basic", "client_secret_post", "client_secret_jwt"),
      // The default is the same as the value that it stands for.
      ["client_secret_basic", undefined],
    ],
  ],
  [
    "issuer",
    { ...placeless, allowedTokenEndpointOrigins: ["https://idp.test"] },
    plain(...issuers),
  ],
  [
    "allowedTokenEndpointOrigins",
    { ...placeless, issuer: "https://idp.test" },
    [
      ["a", ["https://a.test"]],
      ["a", ["https://a.test"]],
      ["ab", ["https://a.test", "https://b.test"]],
      ["none", undefined],
    ],
  ],
];

/** A new token for every token request, and metadata for every issuer. */
const issuing = () => {
  let count = 0;
  const fetch: Fetch = async (input) => {
    const url = new URL(String(input));
    const place = "/.well-known/openid-configuration";
    if (!url.pathname.endsWith(place)) {
      return Response.json({ access_token: `t${++count}`, token_type: "Bearer", expires_in: 3600 });
    }
    const path = url.pathname.slice(0, -place.length);
    // Whoever is written with a slash answers as the one without; so both are tried.
    const issuer = issuers.find((one) => one === `${url.origin}${path}`) ?? url.origin;
    return Response.json({ issuer, token_endpoint: "https://idp.test/token" });
  };
  return { fetch, count: () => count };
};

describe("two endpoints share a token where they say the same, and never else, in", () => {
  test.each(fields)("%s", async (field, common, values) => {
    const some = fc.array(fc.constantFrom(...values), { minLength: 2, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(some, async (chosen) => {
        const { fetch, count } = issuing();
        const security = new EndpointSecurity({ fetch });
        const tokens = new Map<string, string>();
        let refused = 0;
        for (const [content, value] of chosen) {
          const config = unchecked({ ...common, [field]: value });
          const token = await security.getToken(config).catch((error) => {
            // An issuer that is written otherwise than it writes itself.
            expect(error.code).toBe("invalid_configuration");
            refused++;
          });
          if (token === undefined) continue;
          const { accessToken } = token;
          expect(accessToken).toBe(tokens.get(content) ?? accessToken);
          tokens.set(content, accessToken);
        }
        expect(new Set(tokens.values()).size).toBe(tokens.size);
        expect(count()).toBe(tokens.size);
        if (field !== "issuer") expect(refused).toBe(0);
      }),
      { numRuns: 20 },
    );
  });

  test("the way a client without a secret of its own proves itself", async () => {
    const { fetch, count } = issuing();
    const security = new EndpointSecurity({ fetch });
    const ways = [
      { ...byKey, clientPrivateKey: privateKeys.rsa },
      { ...byKey, clientAssertion: () => "the.same.assertion" },
      { ...byKey, clientAssertionFile: fileOf("a") },
      { ...base, tokenEndpointAuthMethod: "none" },
    ].map(unchecked);
    await Promise.all([...ways, ...ways].map((config) => security.getToken(config)));
    expect(count()).toBe(4);
  });
});
