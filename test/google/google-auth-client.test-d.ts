import { EndpointSecurity } from "endpoint-security";
import { googleAuthClient } from "endpoint-security/google";
import { type AuthClient, type GoogleAuthOptions, PassThroughClient } from "google-auth-library";
import { describe, expectTypeOf, test } from "vitest";

const security = new EndpointSecurity();
const orders = {
  url: "https://orders.example.com/v1",
  grantType: "client_credentials",
  tokenUrl: "https://idp.example.com/oauth2/token",
  clientId: "checkout",
  clientSecret: async () => "secret",
} as const;

describe("googleAuthClient", () => {
  test("takes an AuthClient of google-auth-library, and stays one", () => {
    const client = googleAuthClient(new PassThroughClient(), security, orders);
    expectTypeOf(client).toEqualTypeOf<PassThroughClient>();
    expectTypeOf(client).toExtend<AuthClient>();
    expectTypeOf({ authClient: client }).toExtend<GoogleAuthOptions>();
  });

  test("takes an endpoint that says where credentials may go", () => {
    const { url: _, ...nowhere } = orders;
    // @ts-expect-error no url
    googleAuthClient(new PassThroughClient(), security, nowhere);
    // @ts-expect-error no client
    googleAuthClient({}, security, orders);
  });
});
