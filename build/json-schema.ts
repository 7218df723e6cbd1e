/** Writes schema.json, for editors, from the public types and their doc comments. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createGenerator } from "ts-json-schema-generator";

const root = fileURLToPath(new URL("..", import.meta.url));
export const schemaFile = `${root}schema.json`;

interface Schema {
  [keyword: string]: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
}

/** The forms of client authentication that JSON can hold: a function can't be written there. */
const authentications = [
  "SecretAuthentication",
  "PostedSecretAuthentication",
  "JwtBySecretAuthentication",
  "PrivateKeyAuthentication",
  "AssertionFileAuthentication",
  "CertificateAuthentication",
  "PublicClientAuthentication",
];
const grants = [
  "WithClientCredentials",
  "ForUserByPassword",
  "ForUserByAssertion",
  "ForUserBySignedAssertion",
  "ForUserByTokenExchange",
  "ForUserByDelegation",
];
const places = ["TokenUrlFields", "IssuerFields"];
const others = {
  basic: ["BasicEndpointConfig"],
  digest: ["DigestEndpointConfig"],
  bearer: ["BearerEndpointConfig"],
  api_key: ["ApiKeyWithHeaderConfig", "ApiKeyInQueryConfig"],
};

const definitions: Record<string, Schema> = {};
const generator = createGenerator({
  path: `${root}src/configuration/*.ts`,
  tsconfig: `${root}tsconfig.json`,
  skipTypeCheck: true,
  functions: "hide",
  topRef: false,
  extraTags: [],
});

/** A type, whose own types become definitions. */
function schemaOf(type: string): Schema {
  const { definitions: needed, $schema: _, ...schema } = generator.createSchema(type) as Schema;
  Object.assign(definitions, needed);
  return schema;
}

const isForbidden = (schema: Schema) => "not" in schema;

/** All fields of several types; one that has constants in several may have any of them. */
function merged(types: readonly string[]): Record<string, Schema> {
  const fields: Record<string, Schema> = {};
  for (const { properties = {} } of types.map(schemaOf)) {
    for (const [name, schema] of Object.entries(properties)) {
      if (isForbidden(schema)) continue;
      const before = fields[name];
      fields[name] = before === undefined ? schema : either(before, schema);
    }
  }
  return fields;
}

const constantsIn = ({ const: one, enum: many }: Schema) =>
  one === undefined ? (many as unknown[] | undefined) : [one];

function either(before: Schema, schema: Schema): Schema {
  const { description, ...one } = before;
  const { description: _, ...other } = schema;
  if (JSON.stringify(one) === JSON.stringify(other)) return before;
  const [known, more] = [constantsIn(before), constantsIn(schema)];
  if (known === undefined || more === undefined) return { description, anyOf: [one, other] };
  const { const: constant, ...rest } = before;
  return { ...rest, enum: [...new Set([...known, ...more])] };
}

/** The forms that a discriminator's value leaves, each with its required and its forbidden fields. */
function forms(
  types: readonly string[],
  all: Readonly<Record<string, Schema>>,
  besides: readonly string[],
): Schema {
  const alternatives = types.map((type): Schema => {
    const { properties = {}, required = [] } = schemaOf(type);
    const own = Object.keys(properties).filter((name) => !isForbidden(properties[name] ?? {}));
    const forbidden = Object.keys(all).filter(
      (name) => !own.includes(name) && !besides.includes(name),
    );
    // Where other types have the field too, with other values.
    const narrowed = own
      .filter((name) => name === "transport" || "anyOf" in (all[name] ?? {}))
      .map((name) => [name, properties[name]]);
    return {
      required,
      properties: {
        ...Object.fromEntries(forbidden.map((name) => [name, false])),
        ...Object.fromEntries(narrowed),
      },
    } as Schema;
  });
  const [only] = alternatives;
  return alternatives.length === 1 && only !== undefined ? only : { anyOf: alternatives };
}

/** `if` the field has a value, `then` one of the forms. */
function conditions(
  field: string,
  types: readonly string[],
  besides: readonly string[],
  otherwise?: string,
): Schema[] {
  const byValue = new Map<string, string[]>();
  for (const type of types) {
    for (const value of constantsIn(schemaOf(type).properties?.[field] ?? {}) ?? []) {
      byValue.set(String(value), [...(byValue.get(String(value)) ?? []), type]);
    }
  }
  const all = merged(types);
  return [...byValue].map(([value, some]) => ({
    if: {
      properties: { [field]: { const: value } },
      ...(value !== otherwise && { required: [field] }),
    },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so.
    then: forms(some, all, besides),
  }));
}

function oauth2(): Schema {
  const { description, required = [], properties = {} } = schemaOf("OAuth2Fields");
  const fields = {
    ...properties,
    ...merged(places),
    ...merged(authentications),
    ...merged(grants),
    ...{ transport: properties.transport ?? {} },
  };
  return {
    type: "object",
    description,
    properties: { $schema: {}, ...fields },
    required: [...required, "grantType"],
    additionalProperties: false,
    allOf: [
      { oneOf: [{ required: ["tokenUrl"] }, { required: ["issuer"] }] },
      { dependencies: { allowedTokenEndpointOrigins: ["issuer"] } },
      ...conditions("grantType", grants, []),
      ...conditions(
        "tokenEndpointAuthMethod",
        authentications,
        ["transport"],
        "client_secret_basic",
      ),
    ],
  };
}

/** An endpoint of a type without tokens. */
function other(types: readonly string[]): Schema {
  const [first = ""] = types;
  const { description } = schemaOf(first);
  const fields = merged(types);
  // Some services use one half of user name and password alone.
  for (const name of ["username", "password"]) {
    const { description: what } = fields[name] ?? {};
    if (name in fields) fields[name] = { type: "string", description: what, pattern: "^$|\\S" };
  }
  return {
    type: "object",
    description,
    properties: { $schema: {}, ...fields },
    additionalProperties: false,
    ...forms(types, fields, []),
    ...(types.length === 1 && { properties: { $schema: {}, ...fields } }),
  };
}

/** Texts are never blank, spans of time never negative, and credentials go to http or https alone. */
function constrained(schema: unknown, name = ""): unknown {
  if (Array.isArray(schema)) return schema.map((one) => constrained(one, name));
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, value]) => [
    key,
    key === "properties" || key === "definitions"
      ? Object.fromEntries(
          Object.entries(value as object).map(([field, one]) => [field, constrained(one, field)]),
        )
      : key === "examples" || key === "enum" || key === "default"
        ? value
        : constrained(value, ["items", "anyOf", "additionalProperties"].includes(key) ? name : ""),
  ]);
  return { ...Object.fromEntries(entries), ...rulesFor(schema as Schema, name) };
}

function rulesFor(schema: Schema, name: string): Schema {
  const { type, enum: choices, const: choice, pattern } = schema;
  if (pattern !== undefined) return {};
  if (type === "array" && lists.has(name)) return { minItems: 1 };
  if (type === "string" && choices === undefined && choice === undefined) {
    if (name === "headerName") return { pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" };
    if (urls.has(name)) return { pattern: "^(https?://|.*\\$\\{)" };
    return mayBeBlank.has(name) ? {} : { pattern: "\\S" };
  }
  if (name === "assertionLifetimeMs") return { minimum: 1_000, maximum: 86_400_000 };
  if (type === "number" && name.endsWith("Ms")) return { minimum: 0 };
  if (counts.has(name)) return { type: "integer", minimum: 0, maximum: 100 };
  return {};
}

const urls = new Set(["url", "tokenUrl", "issuer"]);
/** Lists that are left out rather than empty. */
const lists = new Set(["scope", "audience", "resource", "ca"]);
const counts = new Set(["retries", "maxForcedRenewals"]);
const mayBeBlank = new Set(["headerPrefix", "customParameters", "headers"]);

export function jsonSchema(): string {
  const endpoints = {
    oauth2: oauth2(),
    ...Object.fromEntries(Object.entries(others).map(([type, types]) => [type, other(types)])),
  };
  const typed = Object.keys(others).map(
    (type): Schema => ({
      if: { properties: { type: { const: type } }, required: ["type"] },
      // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so.
      then: { $ref: `#/definitions/${type}` },
    }),
  );
  const endpoint = typed.reduceRight<Schema>(
    (otherwise, condition) => ({ ...condition, else: otherwise }),
    { $ref: "#/definitions/oauth2" },
  );
  // The generator takes `string | false` for false alone.
  const proxy = definitions.Transport?.properties?.proxy;
  if (proxy !== undefined) {
    const { type: _, enum: __, anyOf: ___, ...described } = proxy;
    Object.assign(definitions.Transport?.properties ?? {}, {
      proxy: { ...described, anyOf: [{ type: "string" }, { const: false }] },
    });
  }
  // A key object is no JSON.
  const { PrivateKey, PrivateJwk, KeyInstance: _, ...needed } = definitions;
  const keys = {
    PrivateKey: {
      description: PrivateKey?.description,
      anyOf: [
        { type: "string", pattern: "-----BEGIN|\\$\\{" },
        { $ref: "#/definitions/PrivateJwk" },
      ],
    },
    PrivateJwk: { ...PrivateJwk, required: ["kty"] },
  };
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Configuration of endpoint-security",
    description: "The configuration of one endpoint, or of many under `endpoints`.",
    type: "object",
    if: { required: ["endpoints"] },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so.
    then: { $ref: "#/definitions/file" },
    else: { $ref: "#/definitions/endpoint" },
    definitions: {
      file: {
        type: "object",
        description: "Many endpoints, for `parseEndpointConfigs`.",
        properties: {
          $schema: {},
          endpoints: {
            type: "object",
            description: "The configurations, each under its name.",
            additionalProperties: { $ref: "#/definitions/endpoint" },
          },
        },
        required: ["endpoints"],
        additionalProperties: false,
      },
      endpoint: { type: "object", ...endpoint },
      ...endpoints,
      ...needed,
      ...keys,
    },
  };
  return `${JSON.stringify(constrained(schema))}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(schemaFile, jsonSchema());
