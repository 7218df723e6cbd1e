import { defineGrant, type EndpointConfig, EndpointSecurity } from "endpoint-security";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  configuration,
  customHeaders,
  customParameters,
  sayTheSame,
  secret,
  text,
  textOrList,
  tokenUrl,
} from "./configurations.ts";
import { derivingEndpoint } from "./deriving-fetch.ts";

const anything = defineGrant({
  grantType: "urn:example:anything",
  parameters: (_: Record<string, unknown>) => ({}),
});
const security = (options: { refuse?: boolean } = {}) => {
  const { fetch, requests } = derivingEndpoint(options);
  return { security: new EndpointSecurity({ fetch, grants: [anything] }), requests };
};
type Config = EndpointConfig<typeof anything>;

/** The token that an endpoint gets where there is no other. */
async function tokenAlone(config: Config): Promise<string> {
  return (await security().security.getToken(config)).accessToken;
}

/** Two configurations get their own: token, flight and error. */
async function expectApart(a: Config, b: Config): Promise<void> {
  const expected = [await tokenAlone(a), await tokenAlone(b)];

  const oneByOne = security();
  for (const [index, config] of [a, b, a, b].entries()) {
    const { accessToken } = await oneByOne.security.getToken(config);
    expect(accessToken).toBe(expected[index % 2]);
  }
  expect(oneByOne.requests).toHaveLength(2);

  const atOnce = security();
  const tokens = await Promise.all([a, b].map((config) => atOnce.security.getToken(config)));
  expect(tokens.map(({ accessToken }) => accessToken)).toEqual(expected);
  expect(atOnce.requests).toHaveLength(2);

  const refused = security({ refuse: true });
  const failed = await Promise.allSettled(
    [a, b].map((config) => refused.security.getToken(config)),
  );
  expect(failed.map((outcome) => Reflect.get(outcome, "reason"))).toMatchObject([
    { code: "token_request_rejected" },
    { code: "token_request_rejected" },
  ]);
  const descriptions = failed.map((outcome) => Reflect.get(outcome, "reason").errorDescription);
  expect(new Set(descriptions).size).toBe(2);
  expect(refused.requests).toHaveLength(2);
}

/** Two configurations share the token, the flight and the failure. */
async function expectShared(a: Config, b: Config): Promise<void> {
  const oneByOne = security();
  expect((await oneByOne.security.getToken(a)).accessToken).toBe(
    (await oneByOne.security.getToken(b)).accessToken,
  );
  expect(oneByOne.requests).toHaveLength(1);

  const refused = security({ refuse: true });
  await Promise.allSettled([a, b].map((config) => refused.security.getToken(config)));
  expect(refused.requests).toHaveLength(1);
}

const password = fc.record({
  tokenUrl,
  clientId: text,
  clientSecret: secret,
  username: secret,
  password: secret,
  scope: textOrList,
  audience: textOrList,
  resource: textOrList,
  customParameters,
  tokenRequest: fc.record({ headers: customHeaders }),
  grantType: fc.constant("password" as const),
});
const given = fc.option(textOrList, { nil: undefined });

describe("two endpoints that differ in anything that changes the token never share", () => {
  const fields: [field: string, values: fc.Arbitrary<unknown>][] = [
    ["tokenUrl", tokenUrl],
    ["clientId", text],
    ["clientSecret", secret],
    ["username", secret],
    ["password", secret],
    ["scope", given],
    ["audience", given],
    ["resource", given],
    ["customParameters", customParameters],
    ["tokenRequest", fc.record({ headers: customHeaders })],
    ["tokenEndpointAuthMethod", fc.constantFrom("client_secret_basic", "client_secret_post")],
    ["clientSecretBasicEncoding", fc.constantFrom("form", "raw")],
  ];
  test.each(fields)("%s", async (field, values) => {
    const cases = fc.tuple(password, values, values);
    await fc.assert(
      fc.asyncProperty(cases, async ([base, one, other]) => {
        fc.pre(!(await sayTheSame({ [field]: one }, { [field]: other })));
        await expectApart({ ...base, [field]: one }, { ...base, [field]: other });
      }),
      { numRuns: 15 },
    );
  });

  test("grantType", async () => {
    await fc.assert(
      fc.asyncProperty(password, async ({ username, password, ...base }) => {
        const custom = { ...base, username, password, grantType: anything.grantType };
        const asService = { ...base, grantType: "client_credentials" as const };
        const asUser = { ...base, username, password };
        await expectApart(asService, asUser);
        await expectApart(asUser, custom);
        await expectApart(asService, custom);
      }),
      { numRuns: 15 },
    );
  });

  test("clientSecret, between a client that has one and a public one", async () => {
    await fc.assert(
      fc.asyncProperty(password, async ({ clientSecret, ...base }) => {
        const method = { tokenEndpointAuthMethod: "none" as const };
        await expectApart({ ...base, ...method }, { ...base, clientSecret });
      }),
      { numRuns: 15 },
    );
  });

  test.each([
    ["name", "value"],
    ["value", "name"],
  ])("one custom parameter's or header's %s", async (what) => {
    const pairs = fc.uniqueArray(fc.constantFrom("a", "b", "ab", "1"), {
      minLength: 2,
      maxLength: 2,
    });
    await fc.assert(
      fc.asyncProperty(password, pairs, fc.boolean(), async (base, [one, other], header) => {
        const set = (value = "") => {
          const fields = what === "name" ? { [`x-${value}`]: "v" } : { "x-n": value };
          return header
            ? { ...base, tokenRequest: { headers: fields } }
            : { ...base, customParameters: fields };
        };
        await expectApart(set(one), set(other));
      }),
      { numRuns: 15 },
    );
  });

  test("any two configurations that don't say the same", async () => {
    await fc.assert(
      fc.asyncProperty(configuration, configuration, async (a, b) => {
        fc.pre(!(await sayTheSame(a, b)));
        await expectApart(a, b);
      }),
      { numRuns: 100 },
    );
  });

  test("a value moved from one field to another", async () => {
    const movable = ["scope", "audience", "resource"] as const;
    const places = fc.constantFrom(...movable, "parameter", "header", "list");
    const put = (place: string, value: string): object => {
      if (place === "parameter") return { customParameters: { resource: value } };
      if (place === "header") return { tokenRequest: { headers: { "x-resource": value } } };
      if (place === "list") return { customParameters: { resource: [value] } };
      return { [place]: value };
    };
    const value = fc.constantFrom("a", "1:a", "8:resource", "r0:");
    await fc.assert(
      fc.asyncProperty(password, value, places, places, async (base, moved, from, to) => {
        fc.pre(from !== to);
        const { scope, audience, resource, customParameters, tokenRequest, ...rest } = base;
        await expectApart({ ...rest, ...put(from, moved) }, { ...rest, ...put(to, moved) });
      }),
      { numRuns: 40 },
    );
  });

  test("the border between two values moved", async () => {
    const letters = fc.string({ minLength: 3, maxLength: 6, unit: fc.constantFrom("a", "1", ":") });
    await fc.assert(
      fc.asyncProperty(password, letters, async (base, whole) => {
        const split = (at: number, [one, two]: readonly [string, string]) => ({
          ...base,
          [one]: whole.slice(0, at),
          [two]: whole.slice(at),
        });
        for (const names of [
          ["clientId", "clientSecret"],
          ["username", "password"],
          ["audience", "resource"],
        ] as const) {
          await expectApart(split(1, names), split(2, names));
        }
        const list = (at: number) => ({
          ...base,
          customParameters: { a: [whole.slice(0, at), whole.slice(at)] },
        });
        await expectApart(list(0), list(1));
        await expectApart(list(1), { ...base, customParameters: { a: whole } });
        await expectApart(list(1), { ...base, customParameters: { a: [whole] } });
      }),
      { numRuns: 8 },
    );
  });

  test.each([
    ":",
    ":s",
    "s",
    ",",
    ";",
    "|",
    "&",
    "=",
    "\n",
    "\t",
    "\u0000",
    '","',
    '":"',
    "1:",
    ":1",
    "}",
  ])("values that hold what might end a value: %j", async (end) => {
    const base = { ...fixed, grantType: "client_credentials" as const };
    const list = (a: string, b: string) => ({ ...base, customParameters: { n: [a, b] } });
    await expectApart(list(`a${end}b`, "c"), list("a", `b${end}c`));
    const pair = (a: string, b: string) => ({ ...base, customParameters: { a, b } });
    await expectApart(pair(`1${end}b${end}2`, "3"), pair("1", `2${end}b${end}3`));
    const between = `${end}clientSecret${end}`;
    const client = (clientId: string, clientSecret: string) => ({
      ...base,
      clientId,
      clientSecret,
    });
    await expectApart(client(`a${between}b`, "c"), client("a", `b${between}c`));
  });

  test("a parameter whose name holds a line break, and two parameters", async () => {
    const base = { ...fixed, grantType: "client_credentials" as const };
    const one = { ...base, customParameters: { "a\nb": "1" } };
    const two = { ...base, customParameters: { a: "1", b: "2" } };
    const rest = { ...base, customParameters: { a: "1" } };
    await expectApart(one, two);
    await expectApart(two, one);
    for (const first of [one, two]) {
      const all = security();
      for (const config of [first, one, two, rest]) {
        const { accessToken } = await all.security.getToken(config);
        expect(accessToken).toBe(await tokenAlone(config));
      }
    }
  });

  test("headers whose names differ only in case, in another order", async () => {
    const base = { ...fixed, grantType: "client_credentials" as const };
    const one = { ...base, tokenRequest: { headers: { "X-Tenant": "a", "x-tenant": "b" } } };
    const other = { ...base, tokenRequest: { headers: { "x-tenant": "b", "X-Tenant": "a" } } };
    const both = security();
    const tokens = await Promise.allSettled([one, other].map((c) => both.security.getToken(c)));
    const alone = await Promise.allSettled([one, other].map(tokenAlone));
    // Refusing such a configuration would do as well.
    for (const [index, outcome] of tokens.entries()) {
      const expected = alone[index];
      if (outcome.status === "fulfilled" && expected?.status === "fulfilled") {
        expect(outcome.value.accessToken).toBe(expected.value);
      } else {
        expect(outcome).toMatchObject({ reason: { code: "invalid_configuration" } });
      }
    }
  });
});

const fixed = { tokenUrl: "https://idp.test/token", clientId: "checkout", clientSecret: "secret" };

describe("a custom grant's own fields", () => {
  const leaf = fc.oneof(
    text,
    fc.constantFrom("", "number:1", "boolean:true", "object:null", "s1:a", "v1:1"),
    fc.constantFrom(0, 1, -1, 1.5, 10n, 1n, true, false, null),
    fc.uint8Array({ maxLength: 3 }),
  );
  const name = fc.constantFrom(
    "a",
    "b",
    "ab",
    "1",
    "1:a",
    "",
    "name",
    "url",
    "__proto__",
    "length",
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      fc.array(tie("value"), { maxLength: 3 }),
      fc.array(fc.tuple(name, tie("value")), { maxLength: 3 }).map(Object.fromEntries),
    ),
  }));

  test("keep two endpoints apart as soon as anything in them differs", async () => {
    await fc.assert(
      fc.asyncProperty(value, value, async (one, other) => {
        fc.pre(!(await sayTheSame({ value: one }, { value: other })));
        const base = { ...fixed, grantType: anything.grantType };
        const both = security();
        const at = async (own: unknown) => both.security.getToken({ ...base, own });
        await Promise.all([at(one), at(other)]);
        await at(one);
        expect(both.requests).toHaveLength(2);
      }),
      { numRuns: 200 },
    );
  });

  test("share the token where they say the same, in whatever order", async () => {
    await fc.assert(
      fc.asyncProperty(value, async (own) => {
        const base = { ...fixed, grantType: anything.grantType };
        await expectShared({ ...base, own }, { own: reversed(own), ...base });
      }),
      { numRuns: 100 },
    );
  });
});

describe("two endpoints share", () => {
  test("whose configurations say the same, in whatever order", async () => {
    await fc.assert(
      fc.asyncProperty(configuration, async (config) => {
        await expectShared(config, reversed(config) as Config);
      }),
      { numRuns: 100 },
    );
  });

  test("that differ in name and url alone", async () => {
    const url = fc.constantFrom(undefined, "https://a.test", "https://b.test/v1");
    const names = fc.record({ name: fc.option(text, { nil: undefined }), url });
    await fc.assert(
      fc.asyncProperty(configuration, names, names, async (config, one, other) => {
        await expectShared({ ...config, ...one }, { ...config, ...other });
      }),
      { numRuns: 100 },
    );
  });

  test("but each gets a shared failure under its own name", async () => {
    const { security: shared, requests } = security({ refuse: true });
    const config = { ...fixed, grantType: "client_credentials" as const };
    const outcomes = await Promise.allSettled(
      ["orders", "billing"].map((name) => shared.getAuthHeader({ ...config, name })),
    );
    expect(outcomes).toMatchObject([
      { reason: { endpoint: "orders", message: expect.stringMatching(/^orders: /) } },
      { reason: { endpoint: "billing", message: expect.stringMatching(/^billing: /) } },
    ]);
    expect(requests).toHaveLength(1);
  });
});

/** The same content with the keys of every record the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([name, item]) => [name, reversed(item)]));
}
