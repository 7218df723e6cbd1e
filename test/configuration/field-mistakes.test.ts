import { generateKeyPairSync } from "node:crypto";
import { EndpointSecurity } from "endpoint-security";
import { describe, expect, test } from "vitest";
import { jwk, pem, privateKeys, publicKeys } from "../client-authentication/keys.ts";
import { configurationError, mistakesIn, saidOf } from "./mistakes.ts";
import { mockTokenEndpoint, orders } from "./mocked-token-endpoint.ts";
import { unchecked } from "./unchecked.ts";

const user = { ...orders, grantType: "password", username: "svc", password: "svc-password" };

const signing = {
  grantType: "client_credentials",
  tokenUrl: "https://idp.test/token",
  clientId: "checkout",
  tokenEndpointAuthMethod: "private_key_jwt",
  clientPrivateKey: pem(privateKeys.p256),
};
const bySecret = { ...orders, tokenEndpointAuthMethod: "client_secret_jwt" };

describe("a mistake in how the client authenticates is reported", () => {
  const noMeaning = /has no effect with this tokenEndpointAuthMethod/;
  const other = { clientPrivateKey: undefined };
  const encrypted = privateKeys.p256.export({
    format: "pem",
    type: "pkcs8",
    cipher: "aes-256-cbc",
    passphrase: "x",
  });
  test.each<[path: string, config: object, problem: RegExp]>([
    ["clientPrivateKey", { ...signing, clientPrivateKey: undefined }, /is missing/],
    ["clientPrivateKey", { ...signing, clientPrivateKey: 5 }, /got a number/],
    ["clientPrivateKey", { ...signing, clientPrivateKey: "key" }, /must be PEM/],
    [
      "clientPrivateKey",
      { ...signing, clientPrivateKey: "${KEY}" },
      /template that was not filled in/,
    ],
    ["clientPrivateKey", { ...signing, clientPrivateKey: encrypted }, /is encrypted/],
    [
      "clientPrivateKey",
      { ...signing, clientPrivateKey: publicKeys.rsa.export({ format: "pem", type: "spki" }) },
      /is a public key/,
    ],
    ["clientPrivateKey", { ...signing, clientPrivateKey: publicKeys.rsa }, /is a public key/],
    ["clientPrivateKey", { ...signing, clientPrivateKey: jwk(publicKeys.rsa) }, /is a public key/],
    ["clientPrivateKey", { ...signing, clientPrivateKey: { kty: "oct", k: "a" } }, /symmetric/],
    ["clientPrivateKey", { ...signing, clientPrivateKey: {} }, /without kty/],
    ["clientPrivateKey()", { ...signing, clientPrivateKey: () => "key" }, /must be PEM/],
    ["clientPrivateKey()", { ...signing, clientPrivateKey: () => undefined }, /is missing/],
    [
      "clientPrivateKey",
      { ...signing, clientPrivateKey: "-----BEGIN PRIVATE KEY-----\nAAAA" },
      /can't be read as a private key/,
    ],
    [
      "clientPrivateKey",
      { ...signing, clientPrivateKey: { kty: "EC", crv: "P-256", d: "a", x: "b", y: "c" } },
      /can't be read as a private key/,
    ],
    [
      "clientPrivateKey",
      { ...signing, clientPrivateKey: generateKeyPairSync("x25519").privateKey },
      /can't sign assertions/,
    ],
    [
      "clientPrivateKey",
      {
        ...signing,
        clientPrivateKey: generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey,
      },
      /is shorter than 2048 bits/,
    ],
    [
      "clientAssertionAlgorithm",
      { ...signing, clientAssertionAlgorithm: "RS256" },
      /doesn't fit the kind/,
    ],
    [
      "clientAssertionAlgorithm",
      { ...signing, clientAssertionAlgorithm: "HS256" },
      /must be one of/,
    ],
    [
      "clientAssertionAlgorithm",
      { ...bySecret, clientAssertionAlgorithm: "RS256" },
      /must be one of/,
    ],
    ["clientAssertionAlgorithm", { ...orders, clientAssertionAlgorithm: "HS256" }, noMeaning],
    [
      "clientAssertionAudience",
      { ...signing, clientAssertionAudience: "issuer" },
      /this configuration has no issuer/,
    ],
    ["clientAssertionAudience", { ...signing, clientAssertionAudience: " " }, /is empty/],
    ["clientAssertionAudience", { ...orders, clientAssertionAudience: "a" }, noMeaning],
    ["clientPrivateKeyId", { ...signing, clientPrivateKeyId: 5 }, /got a number/],
    ["clientPrivateKeyId", { ...bySecret, clientPrivateKeyId: "a" }, noMeaning],
    ["clientPrivateKey", { ...orders, clientPrivateKey: "a" }, noMeaning],
    [
      "clientAssertion",
      { ...signing, ...other, clientAssertion: "ey" },
      /an assertion expires soon/,
    ],
    ["clientAssertion", { ...signing, clientAssertion: () => "ey" }, /as well as clientPrivateKey/],
    ["clientAssertion", { ...orders, clientAssertion: () => "ey" }, noMeaning],
    ["clientAssertionFile", { ...signing, ...other, clientAssertionFile: 5 }, /got a number/],
    ["clientAssertionFile", { ...bySecret, clientAssertionFile: "/token" }, noMeaning],
    [
      "clientAssertionAudience",
      { ...signing, ...other, clientAssertionFile: "/token", clientAssertionAudience: "a" },
      noMeaning,
    ],
    ["clientSecret", { ...signing, clientSecret: "secret" }, /"private_key_jwt" sends no secret/],
    ["clientSecret", { ...bySecret, clientSecret: undefined }, /is missing/],
  ])("%s, given %j", async (path, config, problem) => {
    const requests = mockTokenEndpoint();
    const mistakes = await mistakesIn(config);
    expect(mistakes).toMatchObject([{ path, problem: expect.stringMatching(problem) }]);
    expect(requests).toHaveLength(0);
  });
});

describe("a mistake in one field is reported with its path, what is wrong and the fix", () => {
  test.each<[path: string, wrong: object, problem: RegExp]>([
    ["tokenUrl", { tokenUrl: undefined }, /is missing/],
    ["tokenUrl", { tokenUrl: 5 }, /got a number/],
    ["tokenUrl", { tokenUrl: "" }, /is empty/],
    ["tokenUrl", { tokenUrl: "/oauth2/token" }, /must be an absolute URL/],
    ["tokenUrl", { tokenUrl: "ftp://idp.test/token" }, /has the scheme ftp:/],
    ["tokenUrl", { tokenUrl: "https://me:pw@idp.test/token" }, /has a user name or password/],
    ["tokenUrl", { tokenUrl: "https://idp.test/token#top" }, /has a fragment/],
    ["tokenUrl", { tokenUrl: "https://${HOST}/token" }, /template that was not filled in/],
    ["url", { url: "orders" }, /must be an absolute URL/],
    ["url", { url: null }, /got null/],
    ["url", { url: "https://orders.test/v1?a=b" }, /has a query/],
    ["url", { url: "https://me:pw@orders.test/v1" }, /has a user name or password/],
    ["name", { name: 7 }, /got a number/],
    ["name", { name: " " }, /is empty/],
    ["clientId", { clientId: undefined }, /is missing/],
    ["clientId", { clientId: "" }, /is empty/],
    ["clientId", { clientId: "${CLIENT_ID}" }, /template that was not filled in/],
    ["clientSecret", { clientSecret: undefined }, /is missing/],
    ["clientSecret", { clientSecret: null }, /got null/],
    ["clientSecret", { clientSecret: { value: "x" } }, /got an object/],
    ["clientSecret", { tokenEndpointAuthMethod: "none" }, /is set, and .*"none"/],
    ["tokenEndpointAuthMethod", { tokenEndpointAuthMethod: "basic" }, /must be one of "client_sec/],
    ["tokenEndpointAuthMethod", { tokenEndpointAuthMethod: 1 }, /got a number/],
    ["clientSecretBasicEncoding", { clientSecretBasicEncoding: "url" }, /must be one of "form"/],
    [
      "clientSecretBasicEncoding",
      { tokenEndpointAuthMethod: "client_secret_post", clientSecretBasicEncoding: "raw" },
      /has no effect with this tokenEndpointAuthMethod/,
    ],
    ["scope", { scope: "" }, /is empty/],
    ["scope", { scope: [] }, /is an empty list/],
    ["scope[1]", { scope: ["a", 5] }, /got a number/],
    ["audience", { audience: true }, /got a boolean/],
    ["audience[0]", { audience: [""] }, /is empty/],
    ["resource", { resource: {} }, /got an object/],
    ["resource[2]", { resource: ["https://a.test", "https://b.test", null] }, /got null/],
    ["customParameters", { customParameters: "audience=orders" }, /got a string/],
    ["customParameters", { customParameters: [["audience", "orders"]] }, /got a list/],
    ["customParameters", { customParameters: new Map([["a", "b"]]) }, /got an object/],
    ["customParameters.tenant", { customParameters: { tenant: 5 } }, /got a number/],
    ["customParameters.tenant", { customParameters: { tenant: undefined } }, /is missing/],
    ["customParameters.tenant[1]", { customParameters: { tenant: ["a", 5] } }, /got a number/],
    ["tokenRequest.headers", { tokenRequest: { headers: new Headers() } }, /got an object/],
    [
      "tokenRequest.headers.X-Tenant",
      { tokenRequest: { headers: { "X-Tenant": 5 } } },
      /got a number/,
    ],
    [
      "tokenRequest.headers.X-Tenant",
      { tokenRequest: { headers: { "X-Tenant": "a\r\nb: c" } } },
      /a header can't/,
    ],
    [
      "tokenRequest.headers.X-Tenant",
      { tokenRequest: { headers: { "X-Tenant": "naïve" } } },
      /a header can't/,
    ],
    [
      "tokenRequest.headers.X-Tenant",
      { tokenRequest: { headers: { "X-Tenant": "${T}" } } },
      /template that was not filled in/,
    ],
    [
      "tokenRequest.headers.X Tenant",
      { tokenRequest: { headers: { "X Tenant": "a" } } },
      /must be a header name/,
    ],
    ["tokenRequest.headers.", { tokenRequest: { headers: { "": "a" } } }, /must be a header name/],
    ["renewal.defaultLifetimeMs", { renewal: { defaultLifetimeMs: 0 } }, /got 0/],
    ["renewal.defaultLifetimeMs", { renewal: { defaultLifetimeMs: Number.NaN } }, /got NaN/],
    [
      "renewal.defaultLifetimeMs",
      { renewal: { defaultLifetimeMs: Number.POSITIVE_INFINITY } },
      /got Infinity/,
    ],
    ["renewal.expirySkewMs", { renewal: { expirySkewMs: -1 } }, /got -1/],
    ["renewal.expirySkewMs", { renewal: { expirySkewMs: "30s" } }, /got a string/],
    ["tokenRequest.timeoutMs", { tokenRequest: { timeoutMs: 0 } }, /got 0/],
    ["tokenRequest.timeoutMs", { tokenRequest: { timeoutMs: 2 ** 31 } }, /got 2147483648/],
    ["renewal.rejectionStatuses", { renewal: { rejectionStatuses: 401 } }, /got a number/],
    [
      "renewal.rejectionStatuses[1]",
      { renewal: { rejectionStatuses: [401, "403"] } },
      /must be an error status/,
    ],
    [
      "renewal.rejectionStatuses[0]",
      { renewal: { rejectionStatuses: [200] } },
      /must be an error status/,
    ],
    [
      "renewal.rejectionStatuses[0]",
      { renewal: { rejectionStatuses: [302] } },
      /must be an error status/,
    ],
    [
      "renewal.rejectionStatuses[0]",
      { renewal: { rejectionStatuses: [600] } },
      /must be an error status/,
    ],
    ["renewal.freshTokenRetryWindowMs", { renewal: { freshTokenRetryWindowMs: -1 } }, /got -1/],
    [
      "renewal.freshTokenRetryWindowMs",
      { renewal: { freshTokenRetryWindowMs: "5s" } },
      /got a string/,
    ],
    ["allowInsecureRequests", { allowInsecureRequests: "yes" }, /got a string/],
    ["type", { type: "saml" }, /is unknown/],
    ["type", { type: 2 }, /got a number/],
    ["grantType", { grantType: undefined }, /is missing/],
    ["grantType", { grantType: ["password"] }, /got a list/],
  ])("%s: %o", async (path, wrong, problem) => {
    const mistakes = await mistakesIn({ ...orders, ...wrong });
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toEqual({
      path,
      problem: expect.stringMatching(problem),
      fix: expect.stringMatching(/\S/),
    });
  });

  test.each<[path: string, wrong: object, problem: RegExp]>([
    ["username", { username: undefined }, /is missing/],
    ["username", { username: "" }, /is empty/],
    ["password", { password: undefined }, /is missing/],
    ["password", { password: 123456 }, /got a number/],
  ])("of the password grant, %s: %o", async (path, wrong, problem) => {
    expect(await mistakesIn({ ...user, ...wrong })).toMatchObject([
      { path, problem: expect.stringMatching(problem) },
    ]);
  });

  test.each<[path: string, config: object, problem: RegExp]>([
    ["username", { type: "basic", password: "x" }, /is missing/],
    ["password", { type: "basic", username: "svc" }, /is missing/],
    ["password", { type: "basic", username: "svc", password: "***" }, /is masked/],
    ["tokenUrl", { type: "basic", username: "a", password: "b", tokenUrl: "x" }, /not a field/],
    ["url", { type: "basic", username: "a", password: "b", url: "x" }, /must be an absolute URL/],
    ["username", { type: "digest", password: "x" }, /is missing/],
    ["username", { type: "digest", username: "a\nb", password: "x" }, /header can't carry/],
    ["password", { type: "digest", username: "svc", password: "***" }, /is masked/],
    ["realm", { type: "digest", username: "a", password: "b", realm: "x" }, /not a field/],
    ["type", { username: "svc", password: "x" }, /is missing, which means oauth2/],
    ["type", { headerName: "X-Key", apiKey: "x" }, /is missing, which means oauth2/],
    ["type", { type: "basci", username: "svc", password: "x" }, /did you mean "basic"/],
    ["headerName", { type: "api_key", apiKey: "k" }, /is missing/],
    ["headerName", { type: "api_key", apiKey: "k", headerName: "X Key" }, /must be a header name/],
    ["headerName", { type: "api_key", apiKey: "k", headerName: 1 }, /must be a header name/],
    ["apiKey", { type: "api_key", headerName: "X-Key" }, /is missing/],
    ["apiKey", { type: "api_key", headerName: "X-Key", apiKey: "" }, /is empty/],
    ["apiKey", { type: "api_key", headerName: "X-Key", apiKey: "${KEY}" }, /template/],
  ])("of other types of endpoint, %s: %o", async (path, config, problem) => {
    expect(await mistakesIn(config)).toMatchObject([
      { path, problem: expect.stringMatching(problem) },
    ]);
  });

  test.each([
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
  ])("the custom parameter %s is refused, because the request sets it itself", async (name) => {
    expect(await saidOf({ ...orders, customParameters: { [name]: "x" } })).toEqual([
      `customParameters.${name} is a parameter that the grant sets itself`,
    ]);
  });

  test("user name and password can't be custom parameters of the password grant", async () => {
    const config = { ...user, customParameters: { username: "eve", password: "x" } };
    expect(await saidOf(config)).toEqual([
      "customParameters.username is a parameter that the grant sets itself",
      "customParameters.password is a parameter that the grant sets itself",
    ]);
  });

  test.each(["scope", "audience", "resource"])(
    "%s can't be given both as a field and as a custom parameter",
    async (name) => {
      const config = { ...orders, [name]: "a", customParameters: { [name]: "b" } };
      expect(await saidOf(config)).toEqual([
        `customParameters.${name} is set twice, here and as ${name}`,
      ]);
    },
  );

  test.each(["Authorization", "content-type", "Content-Length", "HOST", "Transfer-Encoding"])(
    "the header %s of a token request can't be set",
    async (name) => {
      expect(await saidOf({ ...orders, tokenRequest: { headers: { [name]: "x" } } })).toEqual([
        `tokenRequest.headers.${name} is a header that the token request sets itself`,
      ]);
    },
  );
});

describe("several mistakes", () => {
  test("are reported all at once, in one error", async () => {
    const config = {
      name: "orders",
      grantType: "password",
      tokenUrl: "nowhere",
      clientID: "checkout",
      clientSecret: "",
      username: "******",
      customParameters: { grant_type: "x", tenant: 1 },
      scope: [],
    };
    const call = new EndpointSecurity().getAuthHeader(unchecked(config));
    const error = await configurationError(call);
    expect(error.problems.map(({ path }) => path).sort()).toEqual([
      "clientID",
      "clientId",
      "clientSecret",
      "customParameters.grant_type",
      "customParameters.tenant",
      "password",
      "scope",
      "tokenUrl",
      "username",
    ]);
    expect(error).toMatchObject({
      code: "invalid_configuration",
      retryable: false,
      endpoint: "orders",
    });
    for (const { path, problem, fix } of error.problems) {
      expect(error.message).toContain(`${path} ${problem}; ${fix}`);
    }
  });

  test("of any method and wrapper are the same error", async () => {
    const security = new EndpointSecurity();
    const wrong = { ...orders, url: "https://orders.test", clientId: "" };
    const calls = [
      () => security.getAuthHeader(wrong),
      () => security.getAuthHeaders(wrong),
      () => security.getToken(wrong),
      () => security.invalidate(wrong),
      async () => security.explain(wrong),
      async () => security.wrapFetch(wrong),
    ];
    for (const call of calls) {
      const { problems } = await configurationError(call());
      expect(problems).toMatchObject([{ path: "clientId" }]);
    }
  });

  test("are gone once they are fixed in place", async () => {
    mockTokenEndpoint();
    const security = new EndpointSecurity();
    const config: Record<string, unknown> = { ...orders, clientId: "" };
    await configurationError(security.getAuthHeader(unchecked(config)));
    config.clientId = "checkout";
    await expect(security.getAuthHeader(unchecked(config))).resolves.toBe("Bearer token-1");
  });

  test("made in place are seen, though there is a token for what it said before", async () => {
    mockTokenEndpoint();
    const security = new EndpointSecurity();
    const config: Record<string, unknown> = { ...orders };
    await security.getAuthHeader(unchecked(config));
    config.clientSecret = "";
    const { problems } = await configurationError(security.getAuthHeader(unchecked(config)));
    expect(problems).toMatchObject([{ path: "clientSecret", problem: "is empty" }]);
  });
});

describe("a mistyped field", () => {
  test.each([
    ["tokenURL", "tokenUrl"],
    ["token_url", "tokenUrl"],
    ["tokenEndpoint", undefined],
    ["client_secret", "clientSecret"],
    ["clientSecert", "clientSecret"],
    ["scopes", "scope"],
    ["custom-parameters", "customParameters"],
    ["customParams", "customParameters"],
    ["granttype", "grantType"],
    ["colour", undefined],
  ])("%s is reported, with what was meant where it is near: %s", async (typo, meant) => {
    const hint = meant === undefined ? "" : ` (did you mean "${meant}"?)`;
    expect(await saidOf({ ...orders, [typo]: "x" })).toEqual([
      `${typo} is not a field here${hint}`,
    ]);
  });

  test("of another type of endpoint is looked up among that type's fields", async () => {
    const key = { type: "api_key", headerName: "X-Key", apiKey: "k", header: "X-Key" };
    expect(await saidOf({ ...key, apikey: "k" })).toContain(
      'apikey is not a field here (did you mean "apiKey"?)',
    );
    expect(await saidOf({ type: "basic", username: "svc", password: "p", userName: "x" })).toEqual([
      'userName is not a field here (did you mean "username"?)',
    ]);
  });
});

describe("an unknown grant type", () => {
  test("lists the known ones, and what was meant", async () => {
    const [mistake] = await mistakesIn({ ...orders, grantType: "client-credentials" });
    expect(mistake).toEqual({
      path: "grantType",
      problem: 'is unknown (did you mean "client_credentials"?)',
      fix: expect.stringContaining('choose "client_credentials", "password"'),
    });
  });

  test("lists those that were added too", async () => {
    const device = { grantType: "urn:example:device", parameters: () => ({}) };
    const [mistake] = await mistakesIn({ ...orders, grantType: "implicit" }, [device]);
    expect(mistake?.fix).toContain('"urn:example:device", or add');
  });

  test("named like a member of Object.prototype is unknown too", async () => {
    expect(await saidOf({ ...orders, grantType: "constructor" })).toEqual(["grantType is unknown"]);
  });
});

describe("a token URL that is http", () => {
  test.each(["http://idp.test/token", "http://10.0.0.1/token", "http://localhost.evil.test/t"])(
    "is refused: %s",
    async (tokenUrl) => {
      const [mistake] = await mistakesIn({ ...orders, tokenUrl });
      expect(mistake).toMatchObject({
        path: "tokenUrl",
        problem: expect.stringContaining("is http"),
        fix: expect.stringContaining("allowInsecureRequests: true"),
      });
    },
  );

  test.each([
    "http://localhost:8080/token",
    "http://127.0.0.1/token",
    "http://127.1.2.3:99/token",
    "http://[::1]:8080/token",
    "http://idp.localhost/token",
  ])("is fine on this machine: %s", async (tokenUrl) => {
    mockTokenEndpoint(tokenUrl);
    const header = await new EndpointSecurity().getAuthHeader({ ...orders, tokenUrl });
    expect(header).toBe("Bearer token-1");
  });

  test("is fine where the user allows it", async () => {
    const tokenUrl = "http://idp.test/token";
    mockTokenEndpoint(tokenUrl);
    const config = { ...orders, tokenUrl, allowInsecureRequests: true };
    await expect(new EndpointSecurity().getAuthHeader(config)).resolves.toBe("Bearer token-1");
    expect(await mistakesIn({ ...config, allowInsecureRequests: false })).toHaveLength(1);
  });
});

describe("optional fields", () => {
  test("may be undefined explicitly", async () => {
    const requests = mockTokenEndpoint();
    const header = await new EndpointSecurity().getAuthHeader({
      ...orders,
      type: undefined,
      name: undefined,
      url: undefined,
      tokenEndpointAuthMethod: undefined,
      clientSecretBasicEncoding: undefined,
      scope: undefined,
      audience: undefined,
      resource: undefined,
      customParameters: undefined,
      tokenRequest: { headers: undefined, timeoutMs: undefined },
      renewal: { defaultLifetimeMs: undefined, expirySkewMs: undefined },
      allowInsecureRequests: undefined,
    });
    expect(header).toBe("Bearer token-1");
    expect(String(requests[0]?.body)).toBe("grant_type=client_credentials");
  });

  test("that are undefined share the token with those left out", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity();
    await security.getAuthHeader(orders);
    await security.getAuthHeader({ ...orders, scope: undefined, customParameters: undefined });
    expect(requests).toHaveLength(1);
  });
});

describe("what is no configuration", () => {
  test.each([undefined, null, "https://orders.test", 5, true, () => orders])(
    "is refused: %s",
    async (config) => {
      expect(await mistakesIn(config)).toMatchObject([{ path: "endpoint" }]);
    },
  );

  test.each([[[]], [new Map()], [new URL("https://orders.test")], [{}]])(
    "is refused for what it lacks: %o",
    async (config) => {
      const paths = (await mistakesIn(config)).map(({ path }) => path);
      expect(paths).toEqual(expect.arrayContaining(["grantType", "tokenUrl", "clientId"]));
    },
  );

  test.each(["customParameters", "tokenRequest.headers", "scope", "unknown"])(
    "a cycle in %s is refused",
    async (field) => {
      const cyclic: Record<string, unknown> = { a: "b" };
      cyclic.self = cyclic;
      expect(await mistakesIn({ ...orders, [field]: cyclic })).toMatchObject([
        { path: field, problem: expect.stringContaining("nested") },
      ]);
    },
  );

  test("a configuration that holds itself is refused", async () => {
    const config: Record<string, unknown> = { ...orders };
    config.self = config;
    expect(await mistakesIn(config)).toMatchObject([{ path: "self" }]);
  });

  test("nesting deeper than anything means is refused, and the mistakes beside it wait", async () => {
    let deep: unknown = "x";
    for (let depth = 0; depth < 5000; depth++) deep = { deep };
    expect(await mistakesIn({ ...orders, customParameters: { deep } })).toMatchObject([
      { path: "customParameters", problem: expect.stringContaining("nested") },
    ]);
  });
});
