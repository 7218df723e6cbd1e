import { readFile } from "node:fs/promises";
import { Ajv } from "ajv";
import { ConfigurationError, parseEndpointConfig, parseEndpointConfigs } from "endpoint-security";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonSchema, schemaFile } from "../../build/json-schema.ts";

const schema: object = JSON.parse(jsonSchema()) as object;
const validate = new Ajv({ strict: false }).compile(schema);

const doesParse = (parse: () => unknown) => {
  try {
    parse();
    return true;
  } catch (error) {
    if (error instanceof ConfigurationError) return false;
    throw error;
  }
};

const key = JSON.parse(
  '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}',
) as object;
const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
const certificate = { certificateFile: "/c.pem", privateKeyFile: "/k.pem" };

/** Values that a field may have, one at least of each kind. */
const good: Readonly<Record<string, readonly unknown[]>> = {
  $schema: ["./schema.json"],
  name: ["orders"],
  url: ["https://orders.example.com/v1"],
  type: ["oauth2", "basic", "digest", "bearer", "api_key"],
  transport: [
    { timeoutMs: 500 },
    { clientCertificate: certificate },
    { proxy: false, ca: [pem] },
    { proxy: "http://proxy.example.com:3128", noProxy: ["a.example"] },
  ],
  username: ["u", ""],
  password: ["p", ""],
  apiKey: ["k"],
  token: ["t"],
  headerName: ["X-Key"],
  headerPrefix: ["Token", ""],
  queryParameter: ["key"],
  clientId: ["checkout"],
  clientSecret: ["s", ["s1", "s2"]],
  grantType: [
    "client_credentials",
    "password",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
  ],
  tokenUrl: ["https://idp.example.com/token"],
  issuer: ["https://idp.example.com"],
  allowedTokenEndpointOrigins: [["https://login.example.com"]],
  scope: ["a b", ["a", "b"]],
  audience: ["a", ["a"]],
  resource: ["https://a.example.com"],
  customParameters: [{ a: "1", b: ["1", "2"] }, { a: "" }],
  tokenRequest: [{ retries: 1, timeoutMs: 5_000 }, { headers: { "X-A": "1", "X-B": "" } }],
  renewal: [{ refreshAhead: false }, { refreshAhead: 0.7, rejectionStatuses: [498] }],
  dpop: [true, false],
  allowInsecureRequests: [true],
  tokenEndpointAuthMethod: [
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    "none",
  ],
  clientSecretBasicEncoding: ["raw"],
  clientPrivateKey: [key],
  clientPrivateKeyId: ["id"],
  clientAssertionAlgorithm: ["ES256", "HS256"],
  clientAssertionAudience: ["token_endpoint", "https://a.example.com"],
  clientAssertionFile: ["/assertion"],
  assertion: ["a.b.c"],
  assertionPrivateKey: [key],
  assertionPrivateKeyId: ["id"],
  assertionAlgorithm: ["ES256"],
  assertionIssuer: ["me"],
  assertionSubject: ["somebody"],
  assertionAudience: ["https://a.example.com"],
  assertionLifetimeMs: [60_000],
  assertionClaims: [{ a: 1 }],
  subjectToken: ["t"],
  subjectTokenType: ["urn:ietf:params:oauth:token-type:jwt"],
  requestedTokenType: ["urn:ietf:params:oauth:token-type:access_token"],
  actorToken: ["t"],
  actorTokenType: ["urn:ietf:params:oauth:token-type:jwt"],
};

/** Values of the wrong kind for most fields, and blank ones. */
const wrong = [
  { timeoutMs: -1 },
  { retries: 1.5 },
  { retries: 101 },
  { proxy: 5 },
  { ca: [] },
  { noProxy: [] },
  { a: [] },
  { rejectionStatuses: [] },
  { ca: "" },
  { proxy: "" },
  { refreshAhead: "no" },
  5,
  "",
  " ",
  true,
  null,
  {},
  [],
  { unknownField: 1 },
  "no url",
  -1,
];

const client = ["grantType", "clientId", "tokenUrl", "tokenEndpointAuthMethod"];

type Values = Readonly<Record<string, readonly unknown[]>>;

const fieldValue = (name: string, values: Values) =>
  fc.oneof(
    { weight: 24, arbitrary: fc.constantFrom(...(values[name] ?? good[name] ?? [1])) },
    { weight: 1, arbitrary: fc.constantFrom<unknown>(...wrong) },
  );

/** @param values what fields may have instead of `good`. */
const record = (names: readonly string[], required: readonly string[], values: Values = {}) =>
  fc.record(Object.fromEntries(names.map((name) => [name, fieldValue(name, values)])), {
    requiredKeys: [...required],
  });

/** Mostly what belongs together, so that many are valid; and anything at all. */
const configurations = fc.oneof(
  record(
    ["type", "username", "password", "url", "$schema", "name", "transport"],
    ["type", "username", "password"],
  ),
  record(["type", "apiKey", "headerName", "queryParameter"], ["type", "apiKey"]),
  record(["type", "token", "headerName", "headerPrefix", "url"], ["type", "token"]),
  record(
    [
      "grantType",
      "clientId",
      "clientSecret",
      "tokenUrl",
      "scope",
      "renewal",
      "tokenRequest",
      "username",
      "password",
      "audience",
    ],
    ["grantType", "clientId", "clientSecret", "tokenUrl"],
  ),
  record(
    [
      "grantType",
      "clientId",
      "tokenUrl",
      "tokenEndpointAuthMethod",
      "clientSecret",
      "clientPrivateKey",
      "clientPrivateKeyId",
      "clientAssertionAlgorithm",
      "clientAssertionFile",
      "clientAssertionAudience",
      "clientSecretBasicEncoding",
      "transport",
    ],
    ["grantType", "clientId", "tokenUrl", "tokenEndpointAuthMethod"],
  ),
  record(
    [
      "grantType",
      "clientId",
      "clientSecret",
      "issuer",
      "assertion",
      "assertionPrivateKey",
      "assertionClaims",
      "assertionLifetimeMs",
      "subjectToken",
      "subjectTokenType",
      "actorToken",
      "actorTokenType",
      "allowedTokenEndpointOrigins",
    ],
    ["grantType", "clientId", "clientSecret", "issuer"],
  ),
  record(
    [
      ...client,
      "clientPrivateKey",
      "clientPrivateKeyId",
      "clientAssertionAlgorithm",
      "clientAssertionAudience",
    ],
    [...client, "clientPrivateKey"],
    { tokenEndpointAuthMethod: ["private_key_jwt"], grantType: ["client_credentials"] },
  ),
  record(
    [...client, "clientSecret", "clientAssertionAlgorithm", "clientAssertionAudience"],
    [...client, "clientSecret"],
    {
      tokenEndpointAuthMethod: ["client_secret_jwt"],
      grantType: ["client_credentials"],
    },
  ),
  record(
    [
      ...client,
      "assertionPrivateKey",
      "assertionAlgorithm",
      "assertionIssuer",
      "assertionClaims",
      "assertionLifetimeMs",
    ],
    [...client, "assertionPrivateKey"],
    {
      tokenEndpointAuthMethod: ["none"],
      grantType: ["urn:ietf:params:oauth:grant-type:jwt-bearer"],
    },
  ),
  record(
    [
      ...client,
      "subjectToken",
      "subjectTokenType",
      "requestedTokenType",
      "actorToken",
      "actorTokenType",
    ],
    [...client, "subjectToken"],
    {
      tokenEndpointAuthMethod: ["none"],
      grantType: ["urn:ietf:params:oauth:grant-type:token-exchange"],
    },
  ),
  record(
    [
      ...client,
      "clientSecret",
      "renewal",
      "tokenRequest",
      "dpop",
      "headerName",
      "headerPrefix",
      "customParameters",
    ],
    [...client, "clientSecret"],
    {
      tokenEndpointAuthMethod: ["client_secret_basic"],
      grantType: ["client_credentials"],
    },
  ),
  record(Object.keys(good), []),
  record([...Object.keys(good), "unknown"], ["grantType", "clientId"]),
);

/** Rules between two values, which a schema can't express: an algorithm has to fit the key. */
function isBeyondSchema(config: Readonly<Record<string, unknown>>): boolean {
  const { tokenEndpointAuthMethod: method, clientAssertionAlgorithm: algorithm } = config;
  return method === "private_key_jwt" && algorithm === "HS256";
}

describe("schema.json", () => {
  it("is up to date: npm run docs writes it", async () => {
    expect(await readFile(schemaFile, "utf8")).toBe(jsonSchema());
  });

  it("takes what parseEndpointConfig takes, and nothing else", { timeout: 60_000 }, () => {
    let valid = 0;
    fc.assert(
      fc.property(configurations, (config) => {
        fc.pre(!isBeyondSchema(config) && !("endpoints" in config));
        const parses = doesParse(() => parseEndpointConfig(config));
        if (parses) valid++;
        expect(validate(config)).toBe(parses);
      }),
      { numRuns: 5_000 },
    );
    // Not only what both reject.
    expect(valid).toBeGreaterThan(500);
  });

  it("takes files of many endpoints as parseEndpointConfigs does", () => {
    const orders = {
      grantType: "client_credentials",
      tokenUrl: "https://idp.example.com/token",
      clientId: "c",
      clientSecret: "s",
    };
    const files = [
      { endpoints: { orders } },
      { $schema: "./schema.json", endpoints: {} },
      { endpoints: { orders: { ...orders, clientId: 5 } } },
      { endpoints: { orders: "text" } },
      { endpoints: [] },
      { endpoints: { orders }, other: 1 },
    ];
    const verdicts = files.map((file) => [
      validate(file),
      doesParse(() => parseEndpointConfigs(file)),
    ]);
    expect(verdicts).toEqual([true, true, false, false, false, false].map((is) => [is, is]));
  });

  it("takes variables in texts, which are filled in later", () => {
    const config = {
      grantType: "client_credentials",
      tokenUrl: "${IDP}/token",
      clientId: "${ID}",
      clientSecret: "${SECRET}",
    };
    const variables = { IDP: "https://idp.example.com", ID: "c", SECRET: "s" };
    expect(validate(config)).toBe(true);
    expect(doesParse(() => parseEndpointConfig(config, { variables }))).toBe(true);
  });

  it("describes every field, for completion in editors", () => {
    const { definitions } = schema as {
      definitions: Record<string, { properties?: Record<string, object> }>;
    };
    const fields = Object.entries(definitions.oauth2?.properties ?? {});
    expect(fields.length).toBeGreaterThan(35);
    const without = fields.filter(
      ([name, field]) => name !== "$schema" && !("description" in field),
    );
    expect(without.map(([name]) => name)).toEqual([]);
  });
});
