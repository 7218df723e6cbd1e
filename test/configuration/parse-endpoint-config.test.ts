import {
  type BackendConfig,
  ConfigurationError,
  defineGrant,
  EndpointSecurity,
  parseEndpointConfig,
} from "endpoint-security";
import { describe, expect, expectTypeOf, test } from "vitest";
import { mockTokenEndpoint, orders } from "./mocked-token-endpoint.ts";

const plain = { ...orders, clientSecret: "secret" };

function problemsOf(value: unknown, options = {}) {
  try {
    parseEndpointConfig(value, options);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as ConfigurationError).problems;
  }
  return [];
}

test("parseEndpointConfig returns a configuration from JSON, which gets a header", async () => {
  mockTokenEndpoint();
  const parsed = parseEndpointConfig(JSON.parse(JSON.stringify(plain)));
  expect(parsed).toEqual(plain);
  expect(await new EndpointSecurity().getAuthHeader(parsed)).toMatch(/^Bearer /);
});

test("parseEndpointConfig reports every mistake at once, each with its path and a fix", () => {
  const problems = problemsOf({
    ...plain,
    tokenUrl: "no url",
    clientId: 1,
    renewal: { retries: 1 },
  });
  expect(problems.map(({ path }) => path).sort()).toEqual([
    "clientId",
    "renewal.retries",
    "tokenUrl",
  ]);
  for (const { problem, fix } of problems) {
    expect(problem).not.toBe("");
    expect(fix).not.toBe("");
  }
});

test.each([undefined, null, "text", 1, true])("parseEndpointConfig refuses %s", (value) => {
  expect(problemsOf(value)).toMatchObject([{ path: "endpoint" }]);
});

describe("grants of your own", () => {
  const device = defineGrant({
    grantType: "urn:example:device",
    credentials: { deviceCode: "required" },
    parameters: () => ({ device: "42" }),
  });
  const config = {
    grantType: "urn:example:device",
    tokenUrl: "https://idp.example.com/token",
    clientId: "checkout",
    clientSecret: "secret",
    deviceCode: "code",
  };

  test("are known to parseEndpointConfig when they are given to it", () => {
    expect(parseEndpointConfig(config, { grants: [device] })).toBe(config);
    expect(problemsOf({ ...config, deviceCode: 1 }, { grants: [device] })).toMatchObject([
      { path: "deviceCode" },
    ]);
  });

  test("are unknown to it otherwise", () => {
    expect(problemsOf(config)).toEqual(
      expect.arrayContaining([expect.objectContaining({ path: "grantType" })]),
    );
  });
});

test("a class can take a BackendConfig and give it to wrapFetch", () => {
  class OrdersClient {
    readonly fetch: typeof fetch;
    constructor(security: EndpointSecurity, backend: BackendConfig) {
      this.fetch = security.wrapFetch(backend);
    }
  }
  const backend = { ...plain, url: "https://orders.example.com/v1" } satisfies BackendConfig;
  expectTypeOf(new OrdersClient(new EndpointSecurity(), backend).fetch).toBeFunction();
});
