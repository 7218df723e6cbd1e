import type { EndpointConfig } from "endpoint-security";
import fc from "fast-check";

/** Configurations for property tests, of few and nasty values, so that near-collisions are common. */

const nasty = [
  "a",
  "b",
  "1",
  "1:a",
  "a1:b",
  "1:a1:b",
  "s1:a",
  "l1:s1:a",
  "r0:",
  ":",
  "::",
  ",",
  ";",
  "a b",
  "a+b",
  "a%20b",
  "a=b&c=d",
  "a\nb",
  "\u0000",
  "a\u0000b",
  '"',
  '"1:a',
  "{}",
  "[]",
  "null",
  "undefined",
  "é",
  "e\u0301",
  "🔑",
] as const;

const anyText = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...nasty) }, fc.string());

/** What fields other than custom parameters take: something is in it. */
export const text = anyText.filter((value) => value.trim() !== "" && !value.includes("${"));
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
export const textOrList = fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 }));

/** A credential, as it is or by a function. */
export const secret = text
  .filter((value) => !/^\s*[*•]{3,}\s*$|^(undefined|null)$|[\r\n]$/.test(value))
  .chain((value) => fc.constantFrom(value, async () => value));

export const tokenUrl = fc
  .tuple(
    fc.constantFrom("a", "b", "a.b"),
    fc.constantFrom("", ":8443"),
    fc.constantFrom("", "a", "a/b", "a%2Fb", "b?a=1", "b?a=2"),
  )
  .map(([host, port, path]) => `https://${host}.test${port}/${path}`);

const reserved = ["grant_type", "client_id", "client_secret", "username", "password"];
const parameterName = fc
  .constantFrom(...nasty, "__proto__", "constructor", "0", "")
  .filter((name) => !reserved.includes(name));
export const customParameters = fc
  .array(
    fc.tuple(
      parameterName,
      fc.oneof(anyText, fc.array(anyText, { maxLength: 3 })).filter(isParameter),
    ),
    { maxLength: 3 },
  )
  // Own properties all, also "__proto__".
  .map((entries): Record<string, string | string[]> => Object.fromEntries(entries));

export const customHeaders = fc.dictionary(
  fc.constantFrom("x-a", "x-b", "x-ab", "a", "1"),
  fc.constantFrom("", "a", "b", "1:a", "a, b", "x-a: b", "a b"),
  { minKeys: 1, maxKeys: 3 },
);

const common = {
  tokenUrl,
  clientId: text,
  scope: optional(textOrList),
  audience: optional(textOrList),
  resource: optional(textOrList),
  customParameters: optional(customParameters),
  tokenRequest: optional(fc.record({ headers: customHeaders })),
};

const client = fc.oneof(
  fc.record({
    tokenEndpointAuthMethod: fc.constantFrom(undefined, "client_secret_basic" as const),
    clientSecretBasicEncoding: fc.constantFrom(undefined, "form" as const, "raw" as const),
    clientSecret: secret,
  }),
  fc.record({
    tokenEndpointAuthMethod: fc.constant("client_secret_post" as const),
    clientSecret: secret,
  }),
  fc.record({ tokenEndpointAuthMethod: fc.constant("none" as const) }),
);

const grant = fc.oneof(
  fc.record({ grantType: fc.constant("client_credentials" as const) }),
  fc.record({ grantType: fc.constant("password" as const), username: secret, password: secret }),
);

/** Any valid configuration of an OAuth 2.0 endpoint. */
export const configuration: fc.Arbitrary<EndpointConfig> = fc
  .tuple(fc.record(common), client, grant)
  .map(([fields, authentication, asked]) => ({ ...fields, ...authentication, ...asked }));

/**
 * What a configuration says, as a value that is equal for equal content: no name, no url, no order,
 * nothing undefined, functions by what they return.
 */
async function contentOf(value: unknown, top = true): Promise<unknown> {
  if (typeof value === "function") return contentOf(await value(), false);
  if (value instanceof Uint8Array) return ["bytes", ...value];
  if (Array.isArray(value)) {
    return ["list", ...(await Promise.all(value.map((item) => contentOf(item, false))))];
  }
  if (typeof value !== "object" || value === null) return [typeof value, String(value)];
  const entries = Object.entries(value)
    .filter(([name, item]) => item !== undefined && !(top && ["name", "url"].includes(name)))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Promise.all(
    entries.map(async ([name, item]) => {
      const said = top && name === "scope" ? scopesIn(item) : item;
      return [name, await contentOf(said, false)];
    }),
  );
}

/** Scopes are a set: a list and a text with the same ones, in any order, say the same. */
function scopesIn(scope: string | readonly string[]): string[] {
  return [...new Set([scope].flat().flatMap((part) => part.split(" ")))].sort();
}

/** Whether two configurations say the same. */
export async function sayTheSame(a: unknown, b: unknown): Promise<boolean> {
  return JSON.stringify(await contentOf(a)) === JSON.stringify(await contentOf(b));
}

function isParameter(value: string | string[]): boolean {
  return Array.isArray(value) || value === "" || (value.trim() !== "" && !value.includes("${"));
}
