/** An endpoint whose token endpoint is mocked. */
export const orders = {
  name: "orders",
  grantType: "client_credentials",
  tokenUrl: "https://idp.example.com/oauth2/token?tenant=1",
  clientId: "checkout",
  clientSecret: "secret-1",
  scope: "orders.read",
  tokenRequest: { retries: 0 },
} as const;
const { tokenUrl: _, ...client } = orders;
/** The same, found by its issuer. */
export const discovered = { ...client, issuer: "https://idp.example.com/tenant/" } as const;
