import { inspect } from "node:util";
import { ConfigurationError, EndpointSecurity } from "endpoint-security";
import Keyv from "keyv";
import { describe, expect, test } from "vitest";
import { derivingEndpoint } from "./deriving-fetch.ts";
import { mockTokenEndpoint, orders } from "./mocked-token-endpoint.ts";
import { unchecked } from "./unchecked.ts";

function mistakesInOptions(options: unknown): ConfigurationError {
  try {
    new EndpointSecurity(options as never);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return error as ConfigurationError;
  }
  throw new Error("the options were taken");
}

describe("options", () => {
  test.each<[path: string, wrong: object]>([
    ["cache", { cache: null }],
    ["cache", { cache: "redis://localhost" }],
    ["cache", { cache: new Set() }],
    ["cache", { cache: { get: () => {}, set: () => {} } }],
    ["cacheTimeoutMs", { cacheTimeoutMs: 0 }],
    ["cacheTimeoutMs", { cacheTimeoutMs: "250" }],
    ["cacheTimeoutMs", { cacheTimeoutMs: Number.POSITIVE_INFINITY }],
    ["maxEntries", { maxEntries: 0 }],
    ["maxEntries", { maxEntries: 1.5 }],
    ["maxEntries", { maxEntries: "10" }],
    ["maxEntries", { maxEntries: Number.POSITIVE_INFINITY }],
    ["encryptionKeys[0]", { encryptionKeys: ["canary"] }],
    ["encryptionKeys[1]", { encryptionKeys: ["k".repeat(32), 5] }],
    ["fetch", { fetch: "https://idp.test" }],
    ["grants", { grants: [{ parameters: () => ({}) }] }],
    ["grants", { grants: [{ grantType: "", parameters: () => ({}) }] }],
    ["grants", { grants: [{ grantType: "password", parameters: () => ({}) }] }],
  ])("are validated: %s of %o", (path, wrong) => {
    const error = mistakesInOptions(wrong);
    expect(error.problems).toMatchObject([{ path }]);
    expect(inspect(error)).not.toContain("canary");
  });

  test.each<[path: string, wrong: object]>([
    ["encryptionKeys", { encryptionKeys: "canary".repeat(8) }],
    ["grants", { grants: { grantType: "a", parameters: () => ({}) } }],
    ["grants", { grants: [null] }],
  ])("that are no list, or hold nothing, are reported like all others: %s of %o", (path, wrong) => {
    const error = mistakesInOptions(wrong);
    expect(error.problems).toMatchObject([{ path: expect.stringContaining(path) }]);
    expect(inspect(error)).not.toContain("canary");
  });

  test("are reported all at once", () => {
    const error = mistakesInOptions({ cache: 1, cacheTimeoutMs: -1, maxEntries: 0, fetch: {} });
    expect(error.problems.map(({ path }) => path)).toEqual([
      "cache",
      "cacheTimeoutMs",
      "maxEntries",
      "fetch",
    ]);
  });

  test("may be undefined explicitly", async () => {
    mockTokenEndpoint();
    const security = new EndpointSecurity({
      cache: undefined,
      cacheTimeoutMs: undefined,
      encryptionKeys: undefined,
      fetch: undefined,
      grants: undefined,
      maxEntries: undefined,
    });
    expect(await security.getAuthHeader(orders)).toBe("Bearer token-1");
  });

  test("fetch is what token requests go through", async () => {
    const requests = mockTokenEndpoint();
    const own = derivingEndpoint();
    await new EndpointSecurity({ fetch: own.fetch }).getAuthHeader(orders);
    expect([requests.length, own.requests.length]).toEqual([0, 1]);
  });
});

describe("two instances", () => {
  test("share no tokens and no flights", async () => {
    const requests = mockTokenEndpoint();
    const each = [new EndpointSecurity(), new EndpointSecurity()];
    const headers = await Promise.all(each.map((security) => security.getAuthHeader(orders)));
    expect(headers.sort()).toEqual(["Bearer token-1", "Bearer token-2"]);
    expect(requests).toHaveLength(2);
  });

  test("share no grants", async () => {
    mockTokenEndpoint();
    const grantType = "urn:example:device";
    const config = { ...orders, grantType } as const;
    const grants = [{ grantType, parameters: () => ({}) }] as const;
    await new EndpointSecurity({ grants }).getAuthHeader(config);
    await expect(new EndpointSecurity().getAuthHeader(unchecked(config))).rejects.toMatchObject({
      code: "invalid_configuration",
    });
  });

  test("share no listeners, no forgetting and no closing", async () => {
    const requests = mockTokenEndpoint();
    const [one, other] = [new EndpointSecurity(), new EndpointSecurity()];
    const heard: string[] = [];
    one.on("tokenObtained", () => heard.push("one"));
    other.on("tokenObtained", () => heard.push("other"));
    await one.getAuthHeader(orders);
    expect(heard).toEqual(["one"]);
    await other.getAuthHeader(orders);
    await one.invalidate(orders);
    await one.close();
    await other.getAuthHeader(orders);
    expect(requests).toHaveLength(2);
    await expect(one.getAuthHeader(orders)).rejects.toMatchObject({ code: "closed" });
  });

  test("share the tokens of a cache that both were given", async () => {
    const requests = mockTokenEndpoint();
    const cache = new Keyv();
    const one = new EndpointSecurity({ cache });
    await one.getAuthHeader(orders);
    await one.close();
    const other = new EndpointSecurity({ cache });
    expect(await other.getAuthHeader({ ...orders })).toBe("Bearer token-1");
    expect(requests).toHaveLength(1);
  });
});

describe("maxEntries", () => {
  /** The same content in an order of its own, so that nothing recognises the object. */
  const tenant = (name: string) => ({ ...orders, customParameters: { tenant: name } });
  const again = (name: string) => ({ customParameters: { tenant: name }, ...orders });

  test("bounds how many tokens are held: the least recently used goes first", async () => {
    const requests = mockTokenEndpoint();
    const security = new EndpointSecurity({ maxEntries: 2 });
    for (const name of ["a", "b", "c"]) await security.getAuthHeader(tenant(name));
    expect(requests).toHaveLength(3);
    await security.getAuthHeader(again("c"));
    await security.getAuthHeader(again("b"));
    expect(requests).toHaveLength(3);
    await security.getAuthHeader(again("a"));
    expect(requests).toHaveLength(4);
  });

  test("never mixes up the endpoints that it drops", async () => {
    const { fetch } = derivingEndpoint();
    const security = new EndpointSecurity({ maxEntries: 1, fetch });
    const names = ["a", "b", "c", "a", "c", "b"];
    const tokens = new Map<string, string>();
    const atOnce = await Promise.all(names.map((name) => security.getAuthHeader(again(name))));
    for (const [index, name] of names.entries()) {
      const known = tokens.get(name) ?? (await security.getAuthHeader(tenant(name)));
      tokens.set(name, known);
      expect(atOnce[index]).toBe(known);
    }
    expect(new Set(tokens.values()).size).toBe(3);
  });
});
