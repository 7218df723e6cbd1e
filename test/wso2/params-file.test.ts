import { fromApiDefinition } from "endpoint-security/wso2";
import { describe, expect, it } from "vitest";
import { anySecret, api, oauth, problemsOf, sample } from "./samples.ts";

const params = sample("api-manager/params.yaml");
const variables = {
  TOKEN_URL: "https://idp.example.com/token",
  ORDERS_URL: "https://orders.example.com",
  ORDERS_SANDBOX_URL: "https://sandbox.example.com",
  ORDERS_CLIENT_SECRET: "client-secret",
  ORDERS_PASSWORD: "user-password",
};

describe("A params file of apictl", () => {
  it("is enough by itself, with the environment's variables in it", () => {
    const { production, sandbox, report } = fromApiDefinition(params, {
      environment: "local",
      variables,
    });
    expect(production).toEqual({
      url: "https://orders.example.com",
      grantType: "client_credentials",
      tokenUrl: "https://idp.example.com/token",
      clientId: "orders-gateway",
      clientSecret: "client-secret",
      clientSecretBasicEncoding: "raw",
      scope: "orders:read",
    });
    expect(sandbox).toMatchObject({ grantType: "password", password: "user-password" });
    // It wasn't in the file.
    expect(report.changed).toEqual([]);
    expect(report.left).toContainEqual({ path: "environments[1]", note: "is another environment" });
  });

  it("goes before the API's definition, unless its `enabled` is blank", () => {
    const definition = api(oauth);
    const overriding = fromApiDefinition(definition, { params, environment: "local", variables });
    expect(overriding.production).toMatchObject({ name: "Orders", clientId: "orders-gateway" });
    const blank = fromApiDefinition(definition, { params, environment: "production" });
    expect(blank.production).toMatchObject({
      url: "https://orders.internal.example.com/v1",
      clientId: "gateway",
    });
  });

  it("of 3.2 has one security for both endpoints, and no `configs`", () => {
    const endpoints = {
      production: { url: "https://a.example.com" },
      sandbox: { url: "https://b.example.com" },
    };
    const security = { enabled: true, type: "basic", username: "u", password: "p" };
    const { production, sandbox } = fromApiDefinition({
      environments: [{ name: "dev", endpoints, security }],
    });
    const basic = { type: "basic", username: "u", password: "p" };
    expect(production).toEqual({ url: "https://a.example.com", ...basic });
    expect(sandbox).toEqual({ url: "https://b.example.com", ...basic });
  });

  it("with several environments wants to know which", () => {
    const choices = 'set environment to one of "local", "production"';
    expect(problemsOf(() => fromApiDefinition(params))).toEqual([
      `environments has several; ${choices}`,
    ]);
    expect(problemsOf(() => fromApiDefinition(params, { environment: "test" }))).toEqual([
      `environments has no "test"; ${choices}`,
    ]);
  });

  it("says which variable an address needs", () => {
    const { ORDERS_URL: _, ...others } = variables;
    const options = { environment: "local", variables: others, secrets: anySecret };
    expect(problemsOf(() => fromApiDefinition(params, options))).toEqual([
      "environments[0].configs.endpoints.production needs the environment variable ORDERS_URL; set ORDERS_URL",
    ]);
  });
});
