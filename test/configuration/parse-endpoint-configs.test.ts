import {
  ConfigurationError,
  EndpointSecurity,
  parseEndpointConfig,
  parseEndpointConfigs,
} from "endpoint-security";
import { describe, expect, it } from "vitest";

const orders = {
  url: "https://orders.example.com",
  grantType: "client_credentials",
  tokenUrl: "https://idp.example.com/token",
  clientId: "checkout",
  clientSecret: "secret-1",
};
const files = { type: "basic", username: "reader", password: "secret-2" };

/** What a call throws, as `path problem; fix`. */
function problemsOf(call: () => unknown): readonly string[] {
  try {
    call();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems.map(({ path, problem, fix }) => `${path} ${problem}; ${fix}`);
  }
  return [];
}

describe("A file of many endpoints", () => {
  it("is parsed into endpoints under their names", () => {
    const parsed = parseEndpointConfigs({ $schema: "./schema.json", endpoints: { orders, files } });
    expect(parsed).toEqual({
      orders: { name: "orders", ...orders },
      files: { name: "files", ...files },
    });
  });

  it("leaves an endpoint the name that it has", () => {
    const named = { ...orders, name: "the orders" };
    expect(parseEndpointConfigs({ endpoints: { orders: named } }).orders?.name).toBe("the orders");
  });

  it("is reported with every problem of every endpoint, by its path in the file", () => {
    const { clientId: _, ...without } = orders;
    const file = {
      endpoint: {},
      endpoints: { orders: without, "a b": { ...files, password: 5 }, wrong: "text" },
    };
    expect(problemsOf(() => parseEndpointConfigs(file))).toEqual([
      'endpoint is not a field here (did you mean "endpoints"?); correct or remove it',
      expect.stringMatching(/^endpoints\.orders\.clientId is missing; /),
      expect.stringMatching(/^endpoints\["a b"\]\.password must be .*, got a number; /),
      "endpoints.wrong must be an object, got a string; set a configuration",
    ]);
  });

  it.each([
    [null, "file must be an object, got null; pass an object with endpoints"],
    [[], "file must be an object, got a list; pass an object with endpoints"],
    [{}, "endpoints is missing; set the configurations, each under its name"],
    [
      { endpoints: [] },
      "endpoints must be an object, got a list; set the configurations, each under its name",
    ],
  ])("can't be %j", (file, problem) => {
    expect(problemsOf(() => parseEndpointConfigs(file))).toEqual([problem]);
  });

  it("may have an endpoint of any name, __proto__ too", () => {
    const file: unknown = JSON.parse(`{"endpoints":{"__proto__":${JSON.stringify(files)}}}`);
    expect(Object.keys(parseEndpointConfigs(file))).toEqual(["__proto__"]);
  });
});

describe("Variables", () => {
  it("are filled in wherever a text names them", () => {
    const config = {
      ...orders,
      tokenUrl: "https://${IDP}/token",
      clientSecret: "${ORDERS_SECRET}",
      scope: ["${SCOPE}", "write"],
      transport: { proxy: "http://${USER}:${PASS}@proxy.example.com" },
    };
    const variables = {
      IDP: "idp.example.com",
      ORDERS_SECRET: "from-the-environment",
      SCOPE: "read",
      USER: "u",
      PASS: "p",
    };
    expect(parseEndpointConfig(config, { variables })).toEqual({
      ...orders,
      clientSecret: "from-the-environment",
      scope: ["read", "write"],
      transport: { proxy: "http://u:p@proxy.example.com" },
    });
    expect(config.clientSecret).toBe("${ORDERS_SECRET}");
  });

  it("are named where they are not set, and nothing else is said of that field", () => {
    const config = { ...orders, tokenUrl: "${IDP_URL}", clientSecret: "${A}${B}", clientId: 5 };
    expect(problemsOf(() => parseEndpointConfig(config, { variables: { A: "a" } }))).toEqual([
      "tokenUrl needs the variable IDP_URL, which is not set; set IDP_URL",
      "clientSecret needs the variable B, which is not set; set B",
      expect.stringMatching(/^clientId must be a string/),
    ]);
  });

  it("aren't looked for in what an object inherits", () => {
    const config = { ...orders, clientSecret: "${toString}" };
    expect(problemsOf(() => parseEndpointConfig(config, { variables: {} }))).toEqual([
      "clientSecret needs the variable toString, which is not set; set toString",
    ]);
  });

  it("whose value names another variable are a problem, and are not filled in again", () => {
    const config = { ...orders, customParameters: { note: "${A}" } };
    const variables = { A: "$" + "{B}", B: "b" };
    expect(problemsOf(() => parseEndpointConfig(config, { variables }))).toEqual([
      expect.stringMatching(/^customParameters\.note has a template that was not filled in/),
    ]);
  });
});

describe("$schema, which editors read,", () => {
  it("may stand in a configuration, and makes no other token of it", async () => {
    const counted: unknown[] = [];
    const security = new EndpointSecurity({
      fetch: async (url) => {
        counted.push(url);
        return Response.json({ access_token: "t", token_type: "Bearer", expires_in: 60 });
      },
    });
    const config = parseEndpointConfig({ $schema: "./schema.json", ...orders });
    await security.getToken(config);
    await security.getToken(parseEndpointConfig(orders));
    expect(counted).toHaveLength(1);
  });
});
