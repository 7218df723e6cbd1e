import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Problems } from "../../src/checks/check.ts";
import type { OwnGrantStrategy } from "../../src/configuration/grant-strategy.ts";
import { mergedTransport, transport } from "../../src/configuration/transport-fields.ts";
import { ConfigurationError } from "../../src/errors.ts";
import { parsed, parsedOAuth2 } from "./parsed.ts";

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

/** Without what the value must be: wording.test.ts tests that. */
const short = (problem: string) => problem.replace(/^must be .+, (got .+)$/, "$1");

/** What is said of a configuration, as `path problem → fix`. */
function said(more: Fields, base: Fields = least): readonly string[] {
  try {
    parsed({ ...base, ...more }, { grants });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const { fix } of error.problems) expect(fix).toMatch(/\w/);
    return error.problems.map(({ path, problem }) => `${path} ${short(problem)}`);
  }
}

/** The fields that the grant's strategy reads. */
const fieldsOf = (more: Fields) => parsedOAuth2({ ...least, ...more }, { grants }).grant.fields;

/** Without what `base` says of itself. */
const without = (...names: string[]) => Object.fromEntries(names.map((name) => [name, undefined]));

describe("a configuration has these problems", () => {
  const noMeaning = "has no effect with this tokenEndpointAuthMethod";
  const share = "got";
  const discovered = { tokenUrl: undefined, issuer: "https://idp.test" };
  const signing = { clientSecret: undefined, tokenEndpointAuthMethod: "private_key_jwt" };
  const certified = { certificate: "-----BEGIN CERTIFICATE-----", privateKey: () => "x" };
  test.each<[Fields, readonly string[]]>([
    [{}, []],
    [{ tokenRequest: { retries: 0 }, renewal: { maxForcedRenewals: 100 } }, []],
    [{ tokenRequest: { retries: -1 } }, ["tokenRequest.retries got -1"]],
    [{ tokenRequest: { retries: 1.5 } }, ["tokenRequest.retries got 1.5"]],
    [{ tokenRequest: { retries: "1" } }, ["tokenRequest.retries got a string"]],
    [{ renewal: { maxForcedRenewals: 101 } }, ["renewal.maxForcedRenewals got 101"]],
    [{ renewal: { refreshAhead: false } }, []],
    [{ renewal: { refreshAhead: 1 } }, []],
    [{ renewal: { refreshAhead: 0.01 } }, []],
    [{ renewal: { refreshAhead: 0 } }, [`renewal.refreshAhead ${share} 0`]],
    [{ renewal: { refreshAhead: 1.01 } }, [`renewal.refreshAhead ${share} 1.01`]],
    [{ renewal: { refreshAhead: true } }, [`renewal.refreshAhead ${share} a boolean`]],
    [{ renewal: { refreshAhead: "0.8" } }, [`renewal.refreshAhead ${share} a string`]],
    [{ renewal: { rejectionStatuses: [400, 599] } }, []],
    [
      { renewal: { rejectionStatuses: [399, 600, 401.5, "401"] } },
      [0, 1, 2, 3].map((index) => `renewal.rejectionStatuses[${index}] must be an error status`),
    ],
    [{ renewal: { rejectionStatuses: 401 } }, ["renewal.rejectionStatuses got a number"]],
    [discovered, []],
    [{ issuer: "https://idp.test" }, ["issuer is set as well as tokenUrl"]],
    [without("tokenUrl"), ["tokenUrl is missing"]],
    [
      { ...discovered, issuer: "http://idp.test" },
      ["issuer is http, which sends the credentials in plain text"],
    ],
    [{ ...discovered, issuer: "http://idp.test", allowInsecureRequests: true }, []],
    [
      { allowedTokenEndpointOrigins: [] },
      ["allowedTokenEndpointOrigins has no effect without issuer"],
    ],
    [
      { ...discovered, allowedTokenEndpointOrigins: ["https://a.test", "https://b.test/x"] },
      ["allowedTokenEndpointOrigins[1] has a path or query"],
    ],
    [
      { ...discovered, allowedTokenEndpointOrigins: "https://a.test" },
      ["allowedTokenEndpointOrigins got a string"],
    ],
    [{ customParameters: { a: "", b: ["", "x"], c: "y" } }, []],
    [
      { customParameters: { a: " ", b: ["x", 7], c: 7 } },
      [
        "customParameters.a is empty",
        "customParameters.b[1] got a number",
        "customParameters.c got a number",
      ],
    ],
    [{ customParameters: ["a"] }, ["customParameters got a list"]],
    [{ customParameters: { scope: "a", audience: "b" } }, []],
    [
      {
        scope: "a",
        resource: ["b"],
        customParameters: { scope: "a", resource: "b", clientId: "c" },
      },
      [
        "customParameters.scope is set twice, here and as scope",
        "customParameters.resource is set twice, here and as resource",
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
    [{ tokenRequest: { headers: { "X-A": "b", "x-b": "" } } }, []],
    [
      { tokenRequest: { headers: { "X-A": "b", "x-a": "c" } } },
      ["tokenRequest.headers.x-a is set twice, in another spelling"],
    ],
    [
      { tokenRequest: { headers: { HOST: "b", Authorization: "c" } } },
      [
        "tokenRequest.headers.HOST is a header that the token request sets itself",
        "tokenRequest.headers.Authorization is a header that the token request sets itself",
      ],
    ],
    [
      {
        tokenEndpointAuthMethod: "client_secret_post",
        tokenRequest: { headers: { authorization: "c" } },
      },
      [],
    ],
    [{ tokenRequest: { headers: "a: b" } }, ["tokenRequest.headers got a string"]],
    [{ clientSecretBasicEncoding: "raw" }, []],
    [{ clientSecretBasicEncoding: "form" }, []],
    [
      { clientSecretBasicEncoding: "none" },
      ['clientSecretBasicEncoding must be one of "form", "raw"'],
    ],
    [
      { tokenEndpointAuthMethod: "client_secret_post", clientSecretBasicEncoding: "raw" },
      [`clientSecretBasicEncoding ${noMeaning}`],
    ],
    [
      { tokenEndpointAuthMethod: "none" },
      ['clientSecret is set, and tokenEndpointAuthMethod "none" sends no secret'],
    ],
    [{ tokenEndpointAuthMethod: "none", clientSecret: undefined }, []],
    [
      { tokenEndpointAuthMethod: "tls_client_auth", clientSecret: undefined },
      ["transport.clientCertificate is missing, and tokenEndpointAuthMethod needs a certificate"],
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
        'clientSecret is set, and tokenEndpointAuthMethod "self_signed_tls_client_auth" sends no secret',
      ],
    ],
    [{ ...signing, clientPrivateKey: key, clientPrivateKeyId: "a" }, []],
    [
      { ...signing, clientPrivateKey: key, clientAssertion: () => "a", clientAssertionFile: "b" },
      [
        "clientAssertion is set as well as clientPrivateKey",
        "clientAssertionFile is set as well as clientPrivateKey",
      ],
    ],
    [{ ...signing, clientAssertion: () => "a" }, []],
    [{ ...signing, clientAssertionFile: "/a" }, []],
    [{ ...signing, clientAssertion: 7 }, ["clientAssertion got a number"]],
    [
      { ...signing, clientAssertion: "a" },
      ["clientAssertion got a string: an assertion expires soon"],
    ],
    [
      { ...signing, clientAssertion: () => "a", clientPrivateKeyId: "a" },
      [`clientPrivateKeyId ${noMeaning}`],
    ],
    [
      { ...signing, clientPrivateKey: key, clientAssertionAudience: "issuer" },
      ['clientAssertionAudience is "issuer", and this configuration has no issuer'],
    ],
    [{ ...signing, ...discovered, clientPrivateKey: key, clientAssertionAudience: "issuer" }, []],
    [{ ...signing, clientPrivateKey: key, clientAssertionAudience: "urn:a" }, []],
    [
      { ...signing, clientPrivateKey: key, clientAssertionAudience: "" },
      ["clientAssertionAudience is empty"],
    ],
    [{ type: "oauth" }, ['type is unknown (did you mean "oauth2"?)']],
    [{ type: 7 }, ["type got a number"]],
    [{ grantType: "plein" }, ['grantType is unknown (did you mean "plain"?)']],
    [{ grantType: 7 }, ["grantType got a number"]],
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
    [{ type: "bearer", token: "t" }, []],
    [{ type: "bearer" }, ["token is missing"]],
  ])("%j: %j", (config, expected) => {
    expect(said(config, {})).toEqual(expected);
  });

  test("what there is to choose from", () => {
    const fixOf = (config: Fields) => {
      try {
        parsed(config, { grants });
      } catch (error) {
        return (error as ConfigurationError).problems[0]?.fix;
      }
    };
    expect(fixOf({ type: "x" })).toBe('choose "oauth2", "basic", "digest", "api_key", "bearer"');
    expect(fixOf({ ...least, grantType: "x" })).toMatch(/^choose "plain", "named", .*grants/);
  });

  test("one that is nested too deep, before it is looked at", () => {
    const round: unknown[] = [];
    round.push(round);
    expect(() => parsed({ ...least, name: "orders", a: round }, { grants })).toThrow(
      expect.objectContaining({
        endpoint: "orders",
        problems: [
          expect.objectContaining({ path: "a", problem: "is nested more than 8 levels deep" }),
        ],
      }),
    );
    expect(() => parsed(least, { grants })).not.toThrow();
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
    expect(fieldsOf({ grantType: "open", ...own })).toEqual(own);
  });

  test("are none where the grant is unknown, so that slips alone are reported", () => {
    expect(said({ grantType: "x", client_id: "a", region: "eu" })).toEqual([
      "grantType is unknown",
      'client_id is not a field here (did you mean "clientId"?)',
    ]);
  });

  test("are what a schema makes of them", () => {
    const own = fieldsOf({ grantType: "taken", region: "eu" });
    expect(own).toEqual({ region: "eu", more: 1 });
    expect(fieldsOf({ grantType: "odd" })).toEqual({});
  });

  test("that a schema leaves out are reported where they look like a slip", () => {
    expect(said({ grantType: "taken", region: "eu", scopes: "a", other_thing: "b" })).toEqual([
      'scopes is not a field here (did you mean "scope"?)',
    ]);
  });

  test("that a schema refuses are reported without what they hold", () => {
    const own = {
      grantType: "refused",
      pins: ["1234", { deep: "5678" }],
      none: "",
      no: null,
      n: 7,
    };
    expect(said(own)).toEqual([
      "pins.0 doesn't match the grant's schema: no pin: [redacted] is [redacted] and ''",
      "grantType doesn't match the grant's schema: whole",
    ]);
  });

  test("can't wait for a schema", () => {
    expect(said({ grantType: "late" })).toEqual([
      "grantType has a schema that validates asynchronously",
    ]);
  });
});

describe("a transport has these problems", () => {
  const of = (settings: unknown, isCertificateNeeded?: boolean) => {
    const problems = new Problems();
    transport(isCertificateNeeded)(settings, "t", problems);
    for (const { fix } of problems.list) expect(fix).toMatch(/\w/);
    return problems.list.map(({ path, problem }) => `${path} ${short(problem)}`);
  };
  const certificate = "-----BEGIN CERTIFICATE-----";
  const privateKey = "-----BEGIN EC PRIVATE KEY-----";
  const noHost = "must be a host, an address or a block of addresses";
  test.each<[unknown, readonly string[]]>([
    [undefined, []],
    [{}, []],
    [7, ["t got a number"]],
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
      ["t.connectTimeoutMs got 0", "t.timeoutMs got a string"],
    ],
    [{ maxConnections: 1 }, []],
    [{ maxConnections: 0 }, ["t.maxConnections must be a positive integer"]],
    [{ maxConnections: 1.5 }, ["t.maxConnections must be a positive integer"]],
    [{ proxy: false }, []],
    [{ proxy: "http://proxy:3128" }, []],
    [{ proxy: "https://u:p%25@proxy" }, []],
    [{ proxy: true }, ["t.proxy got a boolean"]],
    [{ proxy: "${PROXY}" }, ["t.proxy has a template that was not filled in (${…})"]],
    [{ proxy: "proxy" }, ["t.proxy must be an absolute URL"]],
    [{ proxy: "socks5://proxy" }, ["t.proxy has the scheme socks5:"]],
    ...["http://p/x", "http://p/?x", "http://p/#x"].map((proxy): [unknown, string[]] => [
      { proxy },
      ["t.proxy has more than scheme, credentials, host and port"],
    ]),
    [{ proxy: "http://u@p" }, []],
    [{ proxy: "http://:x@p" }, ["t.proxy has a password without a user name"]],
    [{ proxy: "http://u:%@p" }, ["t.proxy has credentials with an unescaped %"]],
    [{ proxy: "http://%:x@p" }, ["t.proxy has credentials with an unescaped %"]],
    [{ proxyFromEnvironment: true }, []],
    [{ proxyFromEnvironment: true, proxy: false }, []],
    [{ proxyFromEnvironment: false, proxy: "http://p" }, []],
    [
      { proxyFromEnvironment: true, proxy: "http://p" },
      ["t.proxyFromEnvironment is set as well as proxy"],
    ],
    [{ proxyFromEnvironment: 1 }, ["t.proxyFromEnvironment got a number"]],
    [{ noProxy: ["*"] }, []],
    [{ noProxy: ["example.com", ".a.b", "*.a-b.c:8443", "[::1]", "[::1]:80", "A."] }, []],
    [{ noProxy: ["a", "*"] }, ['t.noProxy has "*" among others']],
    [{ noProxy: "a" }, ["t.noProxy got a string"]],
    [
      { noProxy: ["http://a", "a b", "a:x", "**.a", "", "a:80x", "xa b"] },
      [0, 1, 2, 3, 4, 5, 6].map((index) => `t.noProxy[${index}] ${noHost}`),
    ],
    [{ noProxy: [7] }, ["t.noProxy[0] got a number"]],
    [{ ca: certificate }, []],
    [{ ca: [certificate, `text\n${certificate}`] }, []],
    [{ ca: [] }, ["t.ca is an empty list"]],
    [{ ca: 7 }, ["t.ca got a number"]],
    [{ ca: "x" }, ["t.ca has no certificate in PEM format"]],
    [{ ca: [certificate, "${CA}"] }, ["t.ca[1] has a template that was not filled in (${…})"]],
    [{ clientCertificate: "x" }, ["t.clientCertificate got a string"]],
    [{ clientCertificate: { certificate, privateKey } }, []],
    [{ clientCertificate: { certificate, privateKey: () => "x", passphrase: "y" } }, []],
    [
      { clientCertificate: { certificate, privateKey: certificate, passphrase: "" } },
      [
        "t.clientCertificate.privateKey has no private key in PEM format",
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
        "t.clientCertificate.certificate is set as well as a file",
        "t.clientCertificate.privateKey is set as well as a file",
        "t.clientCertificate.certificateFile is missing",
      ],
    ],
  ])("%j: %j", (settings, expected) => {
    expect(of(settings)).toEqual(expected);
  });

  test("a certificate that is needed and missing", () => {
    const missing =
      "t.clientCertificate is missing, and tokenEndpointAuthMethod needs a certificate";
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
