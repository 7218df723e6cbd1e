import { fromApiDefinition } from "endpoint-security/wso2";
import { describe, expect, it } from "vitest";
import { anySecret, problemsOf, sample } from "./samples.ts";

const resource = (params: object) => ({
  kind: "RestApi",
  spec: {
    displayName: "Orders",
    upstream: { main: { url: "https://orders.example.com" } },
    policies: [{ name: "oauth2-generator", version: "v1", params }],
  },
});
const params = {
  tokenEndpoint: "https://idp.example.com/token",
  grantType: "client_credentials",
  clientId: "gateway",
  clientSecret: "s3cret",
};
const productionOf = (more: object) =>
  fromApiDefinition(resource({ ...params, ...more })).production;

describe("A resource of API Platform", () => {
  it("gives an endpoint with everything that the policy says", () => {
    const { production, sandbox } = fromApiDefinition(sample("api-platform/orders.yaml"), {
      secrets: anySecret,
    });
    const expected = {
      name: "Orders",
      url: "https://orders.internal.example.com/v1",
      grantType: "client_credentials",
      tokenUrl: "https://idp.example.com/oauth2/token",
      clientId: "orders-gateway",
      clientSecret: "secret of production.clientSecret",
      tokenEndpointAuthMethod: "client_secret_post",
      scope: "orders:read",
      customParameters: { tenant: "shop" },
      tokenRequest: {
        attemptTimeoutMs: 5_000,
        timeoutMs: 10_000,
        retries: 1,
        headers: { "X-Tenant": "shop" },
      },
      renewal: {
        defaultLifetimeMs: 3_600_000,
        expirySkewMs: 90_000,
        rejectionStatuses: [401, 403],
      },
      headerName: "X-Internal-Authorization",
      headerPrefix: "Bearer",
    };
    expect(production).toEqual(expected);
    expect(sandbox).toEqual({
      ...expected,
      name: "Orders sandbox",
      url: "https://orders-sandbox.internal.example.com/v1",
      clientSecret: "secret of sandbox.clientSecret",
    });
  });

  it("with a key in `upstream.auth` is a bearer endpoint, and keeps what stands around the secret", () => {
    const { production } = fromApiDefinition(sample("api-platform/provider.yaml"), {
      secrets: { "production.apiKey": "abc" },
    });
    expect(production).toEqual({
      name: "Summaries",
      url: "https://llm.example.com/v1",
      type: "bearer",
      token: "abc",
      headerName: "Authorization",
      headerPrefix: "Bearer",
    });
  });

  it.each([
    [
      { bearerToken: "abc", valuePrefix: "" },
      { type: "bearer", token: "abc", headerPrefix: "" },
    ],
    [{ expiryBuffer: "0" }, { renewal: { expirySkewMs: 0 } }],
    [{ tokenPurgeStatusCodes: [] }, { renewal: { rejectionStatuses: [] } }],
    [{ tokenRequestMaxRetries: 0 }, { tokenRequest: { retries: 0 } }],
    [
      { tokenRequestTimeout: "1m30s" },
      { tokenRequest: { attemptTimeoutMs: 90_000, timeoutMs: 270_000 } },
    ],
    [
      { proxyURL: "http://proxy.example.com:3128" },
      { transport: { proxy: "http://proxy.example.com:3128" } },
    ],
    [
      { grantType: "password", username: "u", password: "p" },
      { grantType: "password", username: "u", password: "p" },
    ],
  ])("carries %j", (more, expected) => {
    expect(productionOf(more)).toMatchObject(expected);
  });

  it("that doesn't verify certificates is verified all the same, and the report says so", () => {
    const { production, report } = fromApiDefinition(
      resource({ ...params, tlsInsecureSkipVerify: true, tlsCaCertPath: "/etc/ca.pem" }),
    );
    expect(production).not.toHaveProperty("transport");
    expect(report.left.filter(({ fix }) => fix !== undefined).map(({ path }) => path)).toEqual([
      "spec.policies[0].params.tlsCaCertPath",
      "spec.policies[0].params.tlsInsecureSkipVerify",
    ]);
  });

  it.each([["soon"], ["10"], ["10s later"]])("with the duration %j is rejected", (expiryBuffer) => {
    expect(problemsOf(() => productionOf({ expiryBuffer }))).toEqual([
      'spec.policies[0].params.expiryBuffer must be a duration; write it as "10s" or "1m30s"',
    ]);
  });
});
