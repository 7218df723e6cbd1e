import { fromApiDefinition } from "endpoint-security/wso2";
import { describe, expect, it } from "vitest";
import { anySecret, api, apiYaml, oauth, problemsOf, productionOf } from "./samples.ts";

const expected = {
  name: "Orders",
  url: "https://orders.example.com/v1",
  grantType: "client_credentials",
  tokenUrl: "https://idp.example.com/token",
  clientId: "gateway",
  clientSecret: "s3cret",
  clientSecretBasicEncoding: "raw",
};

describe("An export of API Manager", () => {
  it("gives production and sandbox, each with its own grant, parameters and secrets", () => {
    const { production, sandbox } = fromApiDefinition(apiYaml, { secrets: anySecret });
    expect(production).toEqual({
      name: "Orders",
      url: "https://orders.internal.example.com/v1",
      grantType: "client_credentials",
      tokenUrl: "https://idp.example.com/oauth2/token",
      clientId: "orders-gateway",
      clientSecret: "secret of production.clientSecret",
      clientSecretBasicEncoding: "raw",
      scope: "orders:read orders:write",
      customParameters: { tenant: "shop", pin: "secret of production.customParameters.pin" },
      tokenRequest: { attemptTimeoutMs: 6_000 },
    });
    expect(sandbox).toMatchObject({
      name: "Orders sandbox",
      grantType: "password",
      username: "gateway",
      password: "secret of sandbox.password",
    });
  });

  it("names every secret that it doesn't hold at once, and no other", () => {
    expect(problemsOf(() => fromApiDefinition(apiYaml)).map((text) => text.split(" ")[0])).toEqual([
      "production.clientSecret",
      "production.customParameters.pin",
      "sandbox.clientSecret",
      "sandbox.password",
    ]);
  });

  it("of 3.2 is read too: the endpoint configuration and parameters are JSON texts, and there is no `data`", () => {
    const { endpointConfig } = api({
      ...oauth,
      customParameters: JSON.stringify({ scope: "a" }),
    }).data;
    const definition = { name: "Orders", endpointConfig: JSON.stringify(endpointConfig) };
    const { production } = fromApiDefinition(JSON.stringify(definition));
    expect(production).toEqual({ ...expected, scope: "a" });
  });

  it.each([
    [{ ...oauth, type: "oauth", grantType: "client_credentials", enabled: "TRUE" }],
    [{ ...oauth, grantType: undefined, enabled: "" }],
    [{ ...oauth, username: null, additionalProperties: {}, customParameters: { scope: null } }],
  ])("is read whatever case, blanks and nulls it has (%#)", (security) => {
    expect(productionOf(security)).toEqual(expected);
  });

  it.each([
    [{ ...oauth, enabled: false }, "it is switched off"],
    [{ enabled: true, type: "NONE" }, "the backend isn't secured"],
    [{ enabled: "", type: "" }, "the backend isn't secured"],
  ])("without security gives nothing, and says so (%#)", (security, why) => {
    const { production, report } = fromApiDefinition(api(security));
    expect(production).toBeUndefined();
    expect(report.left.map(({ note }) => note)).toContain(`is not in use: ${why}`);
  });

  it("sends parameters that have a field of their own in that field, and the rest as they are", () => {
    const customParameters = {
      scope: "a b",
      audience: "orders",
      resource: "https://orders.example.com",
      limit: 5,
      grant_type: "x",
    };
    const { production, report } = fromApiDefinition(api({ ...oauth, customParameters }));
    expect(production).toEqual({
      ...expected,
      scope: "a b",
      audience: "orders",
      resource: "https://orders.example.com",
      customParameters: { limit: "5" },
    });
    expect(report.left).toContainEqual({
      path: "data.endpointConfig.endpoint_security.production.customParameters.grant_type",
      note: "is a parameter that the token request sets itself",
    });
  });

  it.each([
    [
      { type: "BASIC", username: "u", password: "p" },
      { type: "basic", username: "u", password: "p" },
    ],
    [
      { type: "digest", username: "u", password: "p" },
      { type: "digest", username: "u", password: "p" },
    ],
    [
      {
        type: "apikey",
        apiKeyIdentifier: "X-Key",
        apiKeyIdentifierType: "HEADER",
        apiKeyValue: "k",
      },
      { type: "api_key", headerName: "X-Key", apiKey: "k" },
    ],
    [
      {
        type: "apikey",
        apiKeyIdentifier: "key",
        apiKeyIdentifierType: "QUERY_PARAMETER",
        apiKeyValue: "k",
      },
      { type: "api_key", queryParameter: "key", apiKey: "k" },
    ],
    [
      {
        type: "apikey",
        apiKeyIdentifier: "Authorization",
        apiKeyIdentifierType: "HEADER",
        apiKeyValue: "Bearer abc",
      },
      { type: "bearer", headerName: "Authorization", headerPrefix: "Bearer", token: "abc" },
    ],
  ])("with another kind of credentials is that kind of endpoint: %j", (security, kind) => {
    const { name, url } = expected;
    expect(productionOf({ enabled: true, ...security })).toEqual({ name, url, ...kind });
  });

  it("for AWS gives nothing, and says what to use", () => {
    const aws = { enabled: true, type: "aws", accessKey: "AKIA", secretKey: "x", region: "eu" };
    const { production, report } = fromApiDefinition(api(aws));
    expect(production).toBeUndefined();
    expect(report.left).toContainEqual(
      expect.objectContaining({ fix: "use the AWS SDK for this backend" }),
    );
  });

  it("keeps its proxy, with user and password", () => {
    const proxyConfigs = {
      proxyEnabled: true,
      proxyHost: "proxy.example.com",
      proxyPort: "3128",
      proxyUsername: "u",
      proxyPassword: "p@ss",
      proxyProtocol: "http",
    };
    const security = { ...oauth, proxyConfigType: "ENDPOINT_SPECIFIC", proxyConfigs };
    expect(productionOf(security)).toEqual({
      ...expected,
      transport: { proxy: "http://u:p%40ss@proxy.example.com:3128" },
    });
    expect(productionOf({ ...security, proxyConfigType: "NONE" })).toEqual(expected);
  });

  it.each([
    [{ proxyProtocol: "socks5" }, "proxyProtocol must be http or https"],
    [{ proxyPort: "http" }, "proxyPort must be a number"],
    [{ proxyHost: "" }, "proxyHost is missing"],
  ])("with a proxy that can't be used is rejected: %j", (more, problem) => {
    const proxyConfigs = { proxyEnabled: "true", proxyHost: "proxy", proxyPort: 3128, ...more };
    const [found] = problemsOf(() => productionOf({ ...oauth, proxyConfigs }));
    expect(found).toContain(`proxyConfigs.${problem}`);
  });

  it("gives a long deadline of an attempt to the whole request, too", () => {
    const timeouts = {
      connectionTimeoutConfigType: "ENDPOINT_SPECIFIC",
      connectionTimeoutDuration: 5_000,
      socketTimeoutDuration: 25_000,
    };
    expect(productionOf({ ...oauth, ...timeouts })).toEqual({
      ...expected,
      tokenRequest: { attemptTimeoutMs: 30_000, timeoutMs: 30_000 },
    });
    expect(productionOf({ ...oauth, ...timeouts, connectionTimeoutConfigType: "NONE" })).toEqual(
      expected,
    );
  });

  it("with several endpoints is the first, and names the others", () => {
    const more = {
      endpoint_type: "load_balance",
      production_endpoints: [{ url: "https://a.example.com" }, { url: "https://b.example.com" }],
      production_failovers: [{ url: "https://c.example.com" }],
    };
    const { production, report } = fromApiDefinition(api(oauth, more));
    expect(production?.url).toBe("https://a.example.com");
    expect(report.left.filter(({ fix }) => fix !== undefined).map(({ path }) => path)).toEqual([
      "data.endpointConfig.production_endpoints[1]",
      "data.endpointConfig.production_failovers[0]",
    ]);
  });

  it("may have its token endpoint on http, which the report calls out", () => {
    const security = { ...oauth, tokenUrl: "http://idp.internal/token" };
    const { production, report } = fromApiDefinition(api(security));
    expect(production).toMatchObject({ allowInsecureRequests: true });
    expect(report.left).toContainEqual(expect.objectContaining({ fix: "use https" }));
  });

  it("of an API Product has no endpoints, and says where they are", () => {
    const { production, report } = fromApiDefinition({
      type: "api_product",
      data: { name: "Shop", apis: [{ name: "Orders" }] },
    });
    expect(production).toBeUndefined();
    expect(report.left).toContainEqual(
      expect.objectContaining({ path: "data.apis", fix: "import each of them" }),
    );
  });

  it.each([
    [
      { ...oauth, tokenUrl: undefined },
      "data.endpointConfig.endpoint_security.production.tokenUrl is missing; set it, or switch the security off",
    ],
    [{ ...oauth, tokenUrl: "nowhere" }, "production.tokenUrl"],
    [
      { ...oauth, grantType: "IMPLICIT" },
      "data.endpointConfig.endpoint_security.production.grantType",
    ],
    [{ ...oauth, type: "KERBEROS" }, "data.endpointConfig.endpoint_security.production.type"],
    [
      { ...oauth, customParameters: ["a"] },
      "data.endpointConfig.endpoint_security.production.customParameters must be an object, got a list; export the file again",
    ],
  ])("with a mistake is rejected with its path (%#)", (security, expectedProblem) => {
    const [problem] = problemsOf(() => fromApiDefinition(api(security)));
    expect(problem).toContain(expectedProblem);
  });
});
