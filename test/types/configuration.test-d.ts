import type { JsonWebKey, KeyObject, webcrypto } from "node:crypto";
import {
  type EndpointConfig,
  EndpointSecurity,
  type PrivateKeySource,
  type Secret,
} from "endpoint-security";
import type { CryptoKey, JWK } from "jose";
import { describe, expectTypeOf, test } from "vitest";

const orders = {
  url: "https://orders.example.com/v1",
  grantType: "client_credentials",
  tokenUrl: "https://idp.example.com/oauth2/token",
  clientId: "checkout",
  clientSecret: async () => "secret",
  scope: "orders:read",
  customParameters: { audience: "orders", groups: ["a", "b"] },
} satisfies EndpointConfig;

const security = new EndpointSecurity();

describe("a right configuration compiles", () => {
  test("in every method", () => {
    expectTypeOf(security.getAuthHeader(orders)).resolves.toBeString();
    expectTypeOf(security.getAuthHeaders(orders)).resolves.toEqualTypeOf<Record<string, string>>();
    expectTypeOf(security.getToken(orders)).resolves.toHaveProperty("accessToken").toBeString();
    expectTypeOf(security.invalidate(orders, "token")).resolves.toBeVoid();
    expectTypeOf(security.explain(orders).token).toEqualTypeOf<
      "none" | "usable" | "expired" | undefined
    >();
    expectTypeOf(security.close()).resolves.toBeVoid();
    expectTypeOf(security).toExtend<AsyncDisposable>();
  });

  test("as a variable of the type EndpointConfig", () => {
    const endpoint: EndpointConfig = orders;
    expectTypeOf(security.getAuthHeader).toBeCallableWith(endpoint);
  });

  test("for each type of endpoint and each grant", () => {
    expectTypeOf<{
      grantType: "password";
      tokenUrl: string;
      clientId: string;
      tokenEndpointAuthMethod: "none";
      username: string;
      password: () => string;
    }>().toExtend<EndpointConfig>();
    expectTypeOf<{
      type: "basic";
      username: Secret;
      password: Secret;
    }>().toExtend<EndpointConfig>();
    expectTypeOf<{
      type: "api_key";
      headerName: string;
      apiKey: Secret;
    }>().toExtend<EndpointConfig>();
    expectTypeOf<{
      type: "bearer";
      token: Secret;
      headerName: string;
      headerPrefix: string;
    }>().toExtend<EndpointConfig>();
  });

  test("with readonly data and explicit undefined", () => {
    const frozen = Object.freeze({
      ...orders,
      type: undefined,
      name: undefined,
      scope: ["a", "b"] as const,
      audience: undefined,
      tokenRequest: { headers: Object.freeze({ "X-Tenant": "a" }) },
      tokenEndpointAuthMethod: undefined,
      clientSecretBasicEncoding: undefined,
      renewal: { expirySkewMs: undefined },
    } as const);
    expectTypeOf(security.getAuthHeader).toBeCallableWith(frozen);
  });

  test("of production and sandbox, chosen by a name", () => {
    const endpoints = {
      production: orders,
      sandbox: { ...orders, tokenUrl: "https://sandbox.example.com/token" },
    } satisfies Record<string, EndpointConfig>;
    const name = "sandbox" as keyof typeof endpoints;
    expectTypeOf(security.getAuthHeader).toBeCallableWith(endpoints[name]);
  });
});

describe("client authentication by assertions", () => {
  const { clientSecret, ...base } = orders;
  const byKey = { ...base, tokenEndpointAuthMethod: "private_key_jwt" } as const;
  const bySecret = { ...orders, tokenEndpointAuthMethod: "client_secret_jwt" } as const;
  type Key = Parameters<typeof sign>[0];
  const sign = (clientPrivateKey: PrivateKeySource) =>
    security.getAuthHeader({ ...byKey, clientPrivateKey });

  test("compiles with every form of key", () => {
    expectTypeOf<string>().toExtend<Key>();
    expectTypeOf<JWK>().toExtend<Key>();
    expectTypeOf<JsonWebKey>().toExtend<Key>();
    expectTypeOf<KeyObject>().toExtend<Key>();
    expectTypeOf<webcrypto.CryptoKey>().toExtend<Key>();
    expectTypeOf<CryptoKey>().toExtend<Key>();
    expectTypeOf<() => Promise<KeyObject>>().toExtend<Key>();
    expectTypeOf(sign).toBeCallableWith({ kty: "EC", crv: "P-256", d: "…", x: "…", y: "…" });
    // @ts-expect-error
    sign(5);
    // @ts-expect-error
    sign(() => 5);
    // @ts-expect-error
    sign(undefined);
  });

  test("compiles with one way alone", () => {
    const getAuthHeader = security.getAuthHeader;
    expectTypeOf(getAuthHeader).toBeCallableWith(bySecret);
    expectTypeOf(getAuthHeader).toBeCallableWith({ ...byKey, clientAssertion: () => "…" });
    expectTypeOf(getAuthHeader).toBeCallableWith({ ...byKey, clientAssertionFile: "/token" });
    // @ts-expect-error
    security.getAuthHeader(byKey);
    // @ts-expect-error
    security.getAuthHeader({ ...byKey, clientAssertion: "…" });
    // @ts-expect-error
    security.getAuthHeader({ ...byKey, clientPrivateKey: "…", clientAssertion: () => "…" });
    // @ts-expect-error
    security.getAuthHeader({ ...byKey, clientAssertionFile: "…", clientAssertion: () => "…" });
    // @ts-expect-error
    security.getAuthHeader({ ...base, clientPrivateKey: "…" });
    // @ts-expect-error
    security.getAuthHeader({ ...base, tokenEndpointAuthMethod: "client_secret_jwt" });
  });

  test("compiles with algorithms that fit", () => {
    expectTypeOf(security.getAuthHeader).toBeCallableWith({
      ...bySecret,
      clientAssertionAlgorithm: "HS512",
      clientAssertionAudience: "issuer",
    });
    // @ts-expect-error
    security.getAuthHeader({ ...bySecret, clientAssertionAlgorithm: "RS256" });
    const byRsa = { ...byKey, clientPrivateKey: "…" } as const;
    // @ts-expect-error
    security.getAuthHeader({ ...byRsa, clientAssertionAlgorithm: "HS256" });
  });
});

describe("discovery", () => {
  const { tokenUrl, ...base } = orders;

  test("compiles with a token endpoint or an issuer, not with both or none", () => {
    expectTypeOf(security.getAuthHeader).toBeCallableWith({ ...base, issuer: "https://idp.test" });
    expectTypeOf(security.wrapFetch).toBeCallableWith({
      ...base,
      issuer: "https://idp.test",
      allowedTokenEndpointOrigins: ["https://tokens.test"],
    });
    // @ts-expect-error
    security.getAuthHeader(base);
    // @ts-expect-error
    security.getAuthHeader({ ...orders, issuer: "https://idp.test" });
    // @ts-expect-error
    security.getAuthHeader({ ...orders, allowedTokenEndpointOrigins: ["https://tokens.test"] });
  });
});

describe("grants by assertions and tokens", () => {
  const bearer = {
    ...orders,
    grantType: "urn:ietf:params:oauth:grant-type:jwt-bearer",
  } as const;
  const exchange = {
    ...orders,
    grantType: "urn:ietf:params:oauth:grant-type:token-exchange",
  } as const;

  test("compile with an assertion, or with a key to sign one, not with both", () => {
    const getAuthHeader = security.getAuthHeader;
    expectTypeOf(getAuthHeader).toBeCallableWith({ ...bearer, assertion: () => "…" });
    expectTypeOf(getAuthHeader).toBeCallableWith({
      ...bearer,
      assertionPrivateKey: "…",
      assertionSubject: "ada",
      assertionClaims: { scope: "a", groups: ["b"] },
    });
    // @ts-expect-error
    security.getAuthHeader(bearer);
    // @ts-expect-error
    security.getAuthHeader({ ...bearer, assertion: "…", assertionPrivateKey: "…" });
    // @ts-expect-error
    security.getAuthHeader({ ...bearer, assertionSubject: "ada" });
  });

  test("compile with a subject token, and an actor's type with an actor alone", () => {
    const getAuthHeader = security.getAuthHeader;
    expectTypeOf(getAuthHeader).toBeCallableWith({ ...exchange, subjectToken: async () => "…" });
    expectTypeOf(getAuthHeader).toBeCallableWith({
      ...exchange,
      subjectToken: "…",
      actorToken: "…",
      actorTokenType: "urn:ietf:params:oauth:token-type:jwt",
      requestedTokenType: "urn:example:token",
    });
    expectTypeOf(security.getToken({ ...exchange, subjectToken: "…" }))
      .resolves.toHaveProperty("issuedTokenType")
      .toEqualTypeOf<string | undefined>();
    // @ts-expect-error
    security.getAuthHeader(exchange);
    // @ts-expect-error
    security.getAuthHeader({ ...exchange, subjectToken: "…", actorTokenType: "urn:example" });
    // @ts-expect-error
    security.getAuthHeader({ ...orders, subjectToken: "…" });
  });
});

describe("a wrong configuration doesn't compile", () => {
  const base = { tokenUrl: "https://idp.test/token", clientId: "checkout" } as const;
  const service = { ...base, grantType: "client_credentials" } as const;
  const withSecret = { ...service, clientSecret: "secret" } as const;

  test("without a secret, where the method needs one", () => {
    // @ts-expect-error client_secret_basic is the default
    security.getAuthHeader(service);
    // @ts-expect-error
    security.getAuthHeader({ ...service, tokenEndpointAuthMethod: "client_secret_basic" });
    // @ts-expect-error
    security.getAuthHeader({ ...service, tokenEndpointAuthMethod: "client_secret_post" });
  });

  test("with a secret, where the method sends none", () => {
    // @ts-expect-error
    security.getAuthHeader({ ...withSecret, tokenEndpointAuthMethod: "none" });
  });

  test("with a secret that is no string and no function of one", () => {
    // @ts-expect-error
    security.getAuthHeader({ ...service, clientSecret: 5 });
    // @ts-expect-error
    security.getAuthHeader({ ...service, clientSecret: () => 5 });
    // @ts-expect-error
    security.getAuthHeader({ ...service, clientSecret: process.env.SECRET });
  });

  test("with an unknown grant type, method, encoding or type", () => {
    // @ts-expect-error
    security.getAuthHeader({ ...withSecret, grantType: "implicit" });
    // @ts-expect-error
    security.getAuthHeader({ ...withSecret, tokenEndpointAuthMethod: "private_key_jwt" });
    // @ts-expect-error
    security.getAuthHeader({ ...withSecret, clientSecretBasicEncoding: "base64" });
    // @ts-expect-error
    security.getAuthHeader({ ...withSecret, type: "oauth1" });
  });

  test("with an encoding of the Basic header, where none is sent", () => {
    security.getAuthHeader({
      ...withSecret,
      tokenEndpointAuthMethod: "client_secret_post",
      // @ts-expect-error
      clientSecretBasicEncoding: "raw",
    });
  });

  test("without the user of the password grant", () => {
    // @ts-expect-error
    security.getAuthHeader({ ...withSecret, grantType: "password" });
    // @ts-expect-error
    security.getAuthHeader({ ...withSecret, grantType: "password", username: "svc" });
  });

  test("with a mistyped field in a literal", () => {
    security.getAuthHeader({
      ...withSecret,
      // @ts-expect-error
      scopes: "a",
    });
    ({
      ...withSecret,
      // @ts-expect-error
      customParams: {},
    }) satisfies EndpointConfig;
  });

  test("with values of the wrong type", () => {
    // @ts-expect-error
    security.getAuthHeader({ ...withSecret, tokenUrl: new URL("https://idp.test/token") });
    // @ts-expect-error
    security.getAuthHeader({ ...withSecret, customParameters: { count: 5 } });
    // @ts-expect-error
    security.getAuthHeader({ ...withSecret, tokenRequest: { headers: { "X-Tenant": ["a"] } } });
    // @ts-expect-error
    security.getAuthHeader({ ...withSecret, renewal: { expirySkewMs: "30s" } });
    // @ts-expect-error
    security.getAuthHeader({ ...withSecret, resource: [5] });
  });

  test("of a basic endpoint without its password, or an API key without its header", () => {
    // @ts-expect-error
    security.getAuthHeader({ type: "basic", username: "svc" });
    // @ts-expect-error
    security.getAuthHeader({ type: "digest", username: "svc" });
    // @ts-expect-error
    security.getAuthHeader({ type: "api_key", apiKey: "key" });
    // @ts-expect-error
    security.getAuthHeader({ type: "api_key", headerName: "X-Key" });
    // @ts-expect-error no token
    security.getAuthHeader({ type: "bearer" });
  });

  test("for a wrapper without a url to send credentials to", () => {
    // @ts-expect-error
    security.wrapFetch(withSecret);
    // @ts-expect-error
    security.wrapFetch({ ...withSecret, url: undefined });
    expectTypeOf(security.wrapFetch(orders)).toEqualTypeOf<typeof globalThis.fetch>();
  });

  test("that is no configuration at all", () => {
    // @ts-expect-error
    security.getAuthHeader("https://orders.test");
    // @ts-expect-error
    security.getAuthHeader(undefined);
    // @ts-expect-error
    security.getAuthHeader({});
  });
});
