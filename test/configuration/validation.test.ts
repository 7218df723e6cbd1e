import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { OwnGrantStrategy } from "../../src/endpoint/grant-strategy.ts";
import { Problems } from "../../src/endpoint/problems.ts";
import { mergedTransport, transport } from "../../src/endpoint/transport-fields.ts";
import { checkNesting, validate } from "../../src/endpoint/validation.ts";
import { ConfigurationError } from "../../src/errors.ts";

type Fields = Readonly<Record<string, unknown>>;

const least = {
  grantType: "plain",
  tokenUrl: "https://idp.test/token",
  clientId: "checkout",
  clientSecret: "secret",
};
const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

/** A schema that says so of any fields. */
const schema = (validating: (value: Fields) => unknown) => ({
  "~standard": { version: 1 as const, vendor: "test", validate: validating as never },
});
const grants = new Map<string, OwnGrantStrategy>(
  [
    { grantType: "plain", fields: [] },
    { grantType: "named", parameterNames: ["own_parameter"], fields: [] },
    { grantType: "open" },
    { grantType: "told", credentials: { pin: "required", puk: "optional" }, fields: ["region"] },
    {
      grantType: "refused",
      schema: schema(() => ({
        issues: [
          { message: "no pin: 1234 is 5678 and ''", path: ["pins", { key: 0 }] },
          { message: "whole" },
        ],
      })),
    },
    { grantType: "late", schema: schema(async () => ({ value: {} })) },
    { grantType: "taken", schema: schema(({ region }) => ({ value: { region, more: 1 } })) },
    { grantType: "odd", schema: schema(() => ({ value: "text" })) },
  ].map((strategy) => [strategy.grantType, { parameters: () => ({}), ...strategy } as never]),
);

/** What is said of a configuration, as `path problem → mend`. */
function said(more: Fields, base: Fields = least): readonly string[] {
  try {
    validate({ ...base, ...more }, grants);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const { mend } of error.problems) expect(mend).toMatch(/\w/);
    return error.problems.map(({ path, problem }) => `${path} ${problem}`);
  }
}

/** Without what `base` says of itself. */
const without = (...names: string[]) => Object.fromEntries(names.map((name) => [name, undefined]));

describe("of a configuration is told", () => {
  const noMeaning = "has no meaning for this tokenEndpointAuthMethod";
  const count = "is no small whole number";
  const share = "is no share of a token's life";
  const discovered = { tokenUrl: undefined, issuer: "https://idp.test" };
  const signing = { clientSecret: undefined, tokenEndpointAuthMethod: "private_key_jwt" };
  const certified = { certificate: "-----BEGIN CERTIFICATE-----", privateKey: () => "x" };
  test.each<[Fields, readonly string[]]>([
    [{}, []],
    [{ tokenRequestRetries: 0, maxForcedRenewals: 100 }, []],
    [{ tokenRequestRetries: -1 }, [`tokenRequestRetries ${count}`]],
    [{ tokenRequestRetries: 1.5 }, [`tokenRequestRetries ${count}`]],
    [{ tokenRequestRetries: "1" }, [`tokenRequestRetries ${count}`]],
    [{ maxForcedRenewals: 101 }, [`maxForcedRenewals ${count}`]],
    [{ refreshAhead: false }, []],
    [{ refreshAhead: 1 }, []],
    [{ refreshAhead: 0.01 }, []],
    [{ refreshAhead: 0 }, [`refreshAhead ${share}`]],
    [{ refreshAhead: 1.01 }, [`refreshAhead ${share}`]],
    [{ refreshAhead: true }, [`refreshAhead ${share}`]],
    [{ refreshAhead: "0.8" }, [`refreshAhead ${share}`]],
    [{ retryStatuses: [400, 599] }, []],
    [
      { retryStatuses: [399, 600, 401.5, "401"] },
      [0, 1, 2, 3].map((index) => `retryStatuses[${index}] is no status of a refusal`),
    ],
    [{ retryStatuses: 401 }, ["retryStatuses is a number"]],
    [discovered, []],
    [{ issuer: "https://idp.test" }, ["issuer is given as well as tokenUrl"]],
    [without("tokenUrl"), ["tokenUrl is missing"]],
    [
      { ...discovered, issuer: "http://idp.test" },
      ["issuer is http, which shows the credentials to the network"],
    ],
    [{ ...discovered, issuer: "http://idp.test", allowInsecureRequests: true }, []],
    [
      { allowedTokenEndpointOrigins: [] },
      ["allowedTokenEndpointOrigins has no meaning without issuer"],
    ],
    [
      { ...discovered, allowedTokenEndpointOrigins: ["https://a.test", "https://b.test/x"] },
      ["allowedTokenEndpointOrigins[1] has a path or query"],
    ],
    [
      { ...discovered, allowedTokenEndpointOrigins: "https://a.test" },
      ["allowedTokenEndpointOrigins is a string"],
    ],
    [{ customParameters: { a: "", b: ["", "x"], c: "y" } }, []],
    [
      { customParameters: { a: " ", b: ["x", 7], c: 7 } },
      [
        "customParameters.a is empty",
        "customParameters.b[1] is a number",
        "customParameters.c is a number",
      ],
    ],
    [{ customParameters: ["a"] }, ["customParameters is a list"]],
    [{ customParameters: { scope: "a", audience: "b" } }, []],
    [
      {
        scope: "a",
        resource: ["b"],
        customParameters: { scope: "a", resource: "b", clientId: "c" },
      },
      [
        "customParameters.scope is given twice, here and as scope",
        "customParameters.resource is given twice, here and as resource",
      ],
    ],
    [
      { customParameters: { grant_type: "a", client_id: "b", own_parameter: "c" } },
      [
        "customParameters.grant_type is a parameter that the grant sets itself",
        "customParameters.client_id is a parameter that the grant sets itself",
      ],
    ],
    [
      { grantType: "named", customParameters: { own_parameter: "c" } },
      ["customParameters.own_parameter is a parameter that the grant sets itself"],
    ],
    [{ customHeaders: { "X-A": "b", "x-b": "" } }, []],
    [
      { customHeaders: { "X-A": "b", "x-a": "c" } },
      ["customHeaders.x-a is given twice, in another spelling"],
    ],
    [
      { customHeaders: { HOST: "b", Authorization: "c" } },
      [
        "customHeaders.HOST is a header that the token request sets itself",
        "customHeaders.Authorization is a header that the token request sets itself",
      ],
    ],
    [{ tokenEndpointAuthMethod: "client_secret_post", customHeaders: { authorization: "c" } }, []],
    [{ customHeaders: "a: b" }, ["customHeaders is a string"]],
    [{ clientSecretBasicEncoding: "raw" }, []],
    [{ clientSecretBasicEncoding: "form" }, []],
    [
      { clientSecretBasicEncoding: "none" },
      ['clientSecretBasicEncoding is not one of "form", "raw"'],
    ],
    [
      { tokenEndpointAuthMethod: "client_secret_post", clientSecretBasicEncoding: "raw" },
      [`clientSecretBasicEncoding ${noMeaning}`],
    ],
    [
      { tokenEndpointAuthMethod: "none" },
      ['clientSecret is given, though tokenEndpointAuthMethod "none" sends no secret'],
    ],
    [{ tokenEndpointAuthMethod: "none", clientSecret: undefined }, []],
    [
      { tokenEndpointAuthMethod: "tls_client_auth", clientSecret: undefined },
      ["transport.clientCertificate is missing, and the tokenEndpointAuthMethod is by certificate"],
    ],
    ...["tls_client_auth", "self_signed_tls_client_auth"].map((method): [Fields, string[]] => [
      {
        tokenEndpointAuthMethod: method,
        clientSecret: undefined,
        transport: { clientCertificate: certified },
      },
      [],
    ]),
    [
      {
        tokenEndpointAuthMethod: "self_signed_tls_client_auth",
        transport: { clientCertificate: certified },
      },
      [
        'clientSecret is given, though tokenEndpointAuthMethod "self_signed_tls_client_auth" sends no secret',
      ],
    ],
    [{ ...signing, clientPrivateKey: key, clientPrivateKeyId: "a" }, []],
    [
      { ...signing, clientPrivateKey: key, clientAssertion: () => "a", clientAssertionFile: "b" },
      [
        "clientAssertion is given as well as clientPrivateKey",
        "clientAssertionFile is given as well as clientPrivateKey",
      ],
    ],
    [{ ...signing, clientAssertion: () => "a" }, []],
    [{ ...signing, clientAssertionFile: "/a" }, []],
    [{ ...signing, clientAssertion: 7 }, ["clientAssertion is a number"]],
    [{ ...signing, clientAssertion: "a" }, ["clientAssertion is a string, and would soon be over"]],
    [
      { ...signing, clientAssertion: () => "a", clientPrivateKeyId: "a" },
      [`clientPrivateKeyId ${noMeaning}`],
    ],
    [
      { ...signing, clientPrivateKey: key, clientAssertionAudience: "issuer" },
      ["clientAssertionAudience is the issuer, which this configuration doesn't name"],
    ],
    [{ ...signing, ...discovered, clientPrivateKey: key, clientAssertionAudience: "issuer" }, []],
    [{ ...signing, clientPrivateKey: key, clientAssertionAudience: "urn:a" }, []],
    [
      { ...signing, clientPrivateKey: key, clientAssertionAudience: "" },
      ["clientAssertionAudience is empty"],
    ],
    [{ type: "oauth" }, ['type is unknown (did you mean "oauth2"?)']],
    [{ type: 7 }, ["type is a number"]],
    [{ grantType: "plein" }, ['grantType is unknown (did you mean "plain"?)']],
    [{ grantType: 7 }, ["grantType is a number"]],
    [{ scopes: "a", region: undefined }, ['scopes is not a field here (did you mean "scope"?)']],
  ])("%o: %j", (more, expected) => {
    expect(said(more)).toEqual(expected);
  });

  test.each<[Fields, readonly string[]]>([
    [{ type: "basic", username: "u", password: "p" }, []],
    [{ type: "basic", username: "u" }, ["password is missing"]],
    [{ type: "digest", username: "u", password: "p" }, []],
    [{ type: "digest", password: "p" }, ["username is missing"]],
    [{ type: "api_key", headerName: "X-A", apiKey: "k" }, []],
    [{ type: "api_key", headerName: "X-A" }, ["apiKey is missing"]],
  ])("%j: %j", (config, expected) => {
    expect(said(config, {})).toEqual(expected);
  });

  test("what there is to choose from", () => {
    const mendOf = (config: Fields) => {
      try {
        validate(config, grants);
      } catch (error) {
        return (error as ConfigurationError).problems[0]?.mend;
      }
    };
    expect(mendOf({ type: "x" })).toBe('choose "oauth2", "basic", "digest", "api_key"');
    expect(mendOf({ ...least, grantType: "x" })).toMatch(/^choose "plain", "named", .*grants/);
  });

  test("one that is nested too deep, before it is looked at", () => {
    const round: unknown[] = [];
    round.push(round);
    expect(() => checkNesting({ ...least, name: "orders", a: round, b: ["c"] })).toThrow(
      expect.objectContaining({
        endpoint: "orders",
        problems: [expect.objectContaining({ path: "a", problem: "is nested more than 8 deep" })],
      }),
    );
    expect(() => checkNesting(least)).not.toThrow();
  });
});

describe("a grant's own fields", () => {
  test("are what its strategy names, and its credentials", () => {
    const told = { grantType: "told", pin: "1" };
    expect(said({ ...told, region: "eu" })).toEqual([]);
    expect(said({ ...told, puk: () => "2" })).toEqual([]);
    expect(said({ ...told, puk: "" })).toEqual(["puk is empty"]);
    expect(said({ ...told, pin: undefined })).toEqual(["pin is missing"]);
    expect(said({ ...told, place: "eu" })).toEqual(["place is not a field here"]);
  });

  test("are all others where it names none, and come back as they are", () => {
    const own = { reggae: "eu", clientid: ["a"] };
    expect(validate({ ...least, grantType: "open", ...own }, grants)).toEqual(own);
  });

  test("are none where the grant is unknown, so that slips alone are told", () => {
    expect(said({ grantType: "x", client_id: "a", region: "eu" })).toEqual([
      "grantType is unknown",
      'client_id is not a field here (did you mean "clientId"?)',
    ]);
  });

  test("are what a schema makes of them", () => {
    const own = validate({ ...least, grantType: "taken", region: "eu" }, grants);
    expect(own).toEqual({ region: "eu", more: 1 });
    expect(validate({ ...least, grantType: "odd" }, grants)).toEqual({});
  });

  test("that a schema leaves out are told where they look like a slip", () => {
    expect(said({ grantType: "taken", region: "eu", scopes: "a", other_thing: "b" })).toEqual([
      'scopes is not a field here (did you mean "scope"?)',
    ]);
  });

  test("that a schema refuses are told without what they hold", () => {
    const own = {
      grantType: "refused",
      pins: ["1234", { deep: "5678" }],
      none: "",
      no: null,
      n: 7,
    };
    expect(said(own)).toEqual([
      "pins.0 does not fit: no pin: [redacted] is [redacted] and ''",
      "grantType does not fit: whole",
    ]);
  });

  test("can't wait for a schema", () => {
    expect(said({ grantType: "late" })).toEqual([
      "grantType has a schema that validates asynchronously",
    ]);
  });
});

describe("of how requests travel is told", () => {
  const of = (settings: unknown, isCertificateNeeded?: boolean) => {
    const problems = new Problems();
    transport(isCertificateNeeded)(settings, "t", problems);
    for (const { mend } of problems.list) expect(mend).toMatch(/\w/);
    return problems.list.map(({ path, problem }) => `${path} ${problem}`);
  };
  const certificate = "-----BEGIN CERTIFICATE-----";
  const privateKey = "-----BEGIN EC PRIVATE KEY-----";
  const noHost = "is no host that can be told by its name";
  test.each<[unknown, readonly string[]]>([
    [undefined, []],
    [{}, []],
    [7, ["t is a number"]],
    [
      { conectTimeoutMs: 1 },
      ['t.conectTimeoutMs is not a field here (did you mean "connectTimeoutMs"?)'],
    ],
    [
      {
        connectTimeoutMs: 1,
        headersTimeoutMs: 1,
        bodyTimeoutMs: 1,
        timeoutMs: 1,
        keepAliveTimeoutMs: 1,
      },
      [],
    ],
    [
      { connectTimeoutMs: 0, timeoutMs: "1" },
      ["t.connectTimeoutMs is 0", "t.timeoutMs is a string"],
    ],
    [{ maxConnections: 1 }, []],
    [{ maxConnections: 0 }, ["t.maxConnections is no positive integer"]],
    [{ maxConnections: 1.5 }, ["t.maxConnections is no positive integer"]],
    [{ proxy: false }, []],
    [{ proxy: "http://proxy:3128" }, []],
    [{ proxy: "https://u:p%25@proxy" }, []],
    [{ proxy: true }, ["t.proxy is a boolean"]],
    [{ proxy: "${PROXY}" }, ["t.proxy holds a template left unfilled (${…})"]],
    [{ proxy: "proxy" }, ["t.proxy is no absolute URL"]],
    [{ proxy: "socks5://proxy" }, ["t.proxy has the scheme socks5:"]],
    ...["http://p/x", "http://p/?x", "http://p/#x"].map((proxy): [unknown, string[]] => [
      { proxy },
      ["t.proxy has more than scheme, credentials, host and port"],
    ]),
    [{ proxy: "http://u@p" }, ["t.proxy has a user name or a password alone"]],
    [{ proxy: "http://:x@p" }, ["t.proxy has a user name or a password alone"]],
    [{ proxy: "http://u:%@p" }, ["t.proxy has credentials with a stray %"]],
    [{ proxy: "http://%:x@p" }, ["t.proxy has credentials with a stray %"]],
    [{ proxyFromEnvironment: true }, []],
    [{ proxyFromEnvironment: true, proxy: false }, []],
    [{ proxyFromEnvironment: false, proxy: "http://p" }, []],
    [
      { proxyFromEnvironment: true, proxy: "http://p" },
      ["t.proxyFromEnvironment is given as well as proxy"],
    ],
    [{ proxyFromEnvironment: 1 }, ["t.proxyFromEnvironment is a number"]],
    [{ noProxy: ["*"] }, []],
    [{ noProxy: ["example.com", ".a.b", "*.a-b.c:8443", "[::1]", "[::1]:80", "A."] }, []],
    [{ noProxy: ["a", "*"] }, ['t.noProxy holds "*" among others']],
    [{ noProxy: "a" }, ["t.noProxy is a string"]],
    [
      { noProxy: ["http://a", "a b", "a:x", "**.a", "", "a:80x", "xa b"] },
      [0, 1, 2, 3, 4, 5, 6].map((index) => `t.noProxy[${index}] ${noHost}`),
    ],
    [{ noProxy: [7] }, ["t.noProxy[0] is a number"]],
    [{ ca: certificate }, []],
    [{ ca: [certificate, `text\n${certificate}`] }, []],
    [{ ca: [] }, ["t.ca is an empty list"]],
    [{ ca: 7 }, ["t.ca is a number"]],
    [{ ca: "x" }, ["t.ca holds no certificate as PEM"]],
    [{ ca: [certificate, "${CA}"] }, ["t.ca[1] holds a template left unfilled (${…})"]],
    [{ clientCertificate: "x" }, ["t.clientCertificate is a string"]],
    [{ clientCertificate: { certificate, privateKey } }, []],
    [{ clientCertificate: { certificate, privateKey: () => "x", passphrase: "y" } }, []],
    [
      { clientCertificate: { certificate, privateKey: certificate, passphrase: "" } },
      [
        "t.clientCertificate.privateKey holds no private key as PEM",
        "t.clientCertificate.passphrase is empty",
      ],
    ],
    [
      { clientCertificate: {} },
      ["t.clientCertificate.certificate is missing", "t.clientCertificate.privateKey is missing"],
    ],
    [{ clientCertificate: { certificateFile: "/a", privateKeyFile: "/b" } }, []],
    [
      { clientCertificate: { certificateFile: "/a" } },
      ["t.clientCertificate.privateKeyFile is missing"],
    ],
    [
      { clientCertificate: { privateKeyFile: "/b", certificate, privateKey } },
      [
        "t.clientCertificate.certificate is given as well as a file",
        "t.clientCertificate.privateKey is given as well as a file",
        "t.clientCertificate.certificateFile is missing",
      ],
    ],
  ])("%j: %j", (settings, expected) => {
    expect(of(settings)).toEqual(expected);
  });

  test("a certificate that is needed and missing", () => {
    const missing =
      "t.clientCertificate is missing, and the tokenEndpointAuthMethod is by certificate";
    expect(of(undefined, true)).toEqual([missing]);
    expect(of({ clientCertificate: { certificate, privateKey } }, true)).toEqual([]);
  });
});

describe("how requests of an endpoint travel is", () => {
  const proxy = "http://proxy";
  test.each([
    [undefined, undefined, undefined],
    [{ timeoutMs: 1 }, undefined, { timeoutMs: 1 }],
    [undefined, { timeoutMs: 1 }, { timeoutMs: 1 }],
    [{ timeoutMs: 1, ca: "a" }, { timeoutMs: 2 }, { timeoutMs: 2, ca: "a" }],
    [{ timeoutMs: 1 }, { timeoutMs: undefined }, { timeoutMs: 1 }],
    [{ proxyFromEnvironment: true }, { proxy }, { proxy }],
    [{ proxy }, { proxyFromEnvironment: true }, { proxyFromEnvironment: true }],
    [{ proxy }, { timeoutMs: 1 }, { proxy, timeoutMs: 1 }],
    [{ proxyFromEnvironment: true }, {}, { proxyFromEnvironment: true }],
  ])("the instance's %j with its own %j: %j", (instance, own, expected) => {
    expect(mergedTransport(instance, own)).toEqual(expected);
  });
});
