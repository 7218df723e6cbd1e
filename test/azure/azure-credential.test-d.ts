import type { AccessToken, GetTokenOptions, TokenCredential } from "@azure/core-auth";
import { defineGrant, EndpointSecurity, type OAuth2EndpointConfig } from "endpoint-security";
import { azureCredential } from "endpoint-security/azure";
import { describe, expectTypeOf, test } from "vitest";

const security = new EndpointSecurity();
const orders = {
  grantType: "client_credentials",
  tokenUrl: "https://idp.example.com/oauth2/token",
  clientId: "checkout",
  clientSecret: async () => "secret",
} as const;

describe("an azureCredential", () => {
  test("is a TokenCredential of @azure/core-auth", () => {
    const credential = azureCredential(security, orders);
    expectTypeOf(credential).toExtend<TokenCredential>();
    expectTypeOf(credential.getToken).toBeCallableWith("a", {} as GetTokenOptions);
    expectTypeOf(credential.getToken("a")).resolves.toExtend<AccessToken>();
  });

  test("takes endpoints of grants of the user's own", () => {
    const device = defineGrant({
      grantType: "urn:example:device",
      credentials: { pin: "required" },
      parameters: (fields: { serial: string; pin: string }) => ({ serial: fields.serial }),
    });
    const own = new EndpointSecurity({ grants: [device] });
    const endpoint = { ...orders, grantType: "urn:example:device", serial: "a" } as const;
    azureCredential(own, { ...endpoint, pin: "1" });
    // @ts-expect-error the pin is missing
    azureCredential(own, endpoint);
    // @ts-expect-error a grant that this instance doesn't know
    azureCredential(security, { ...endpoint, pin: "1" });
  });

  test("takes an endpoint of OAuth 2.0 by its type", () => {
    expectTypeOf(azureCredential).toBeCallableWith(security, {} as OAuth2EndpointConfig);
  });

  test("takes none that has no tokens", () => {
    // @ts-expect-error no tokens at all
    azureCredential(security, { type: "basic", username: "svc", password: "secret" });
    // @ts-expect-error misspelt
    azureCredential(security, { ...orders, scpoe: "a" });
  });
});
