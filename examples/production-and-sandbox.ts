/** One backend in two environments: two configurations in one object. */
import assert from "node:assert/strict";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { type Seen, startLocalServers } from "./local-servers.ts";

await using production = await startLocalServers();
await using sandbox = await startLocalServers();

const orders = {
  production: {
    name: "orders (production)",
    url: production.backendUrl, // "https://orders.example.com/v1"
    grantType: "client_credentials",
    tokenUrl: production.tokenUrl, // "https://idp.example.com/oauth2/token"
    clientId: "checkout",
    clientSecret: "checkout-secret",
  },
  sandbox: {
    name: "orders (sandbox)",
    url: sandbox.backendUrl, // "https://orders.sandbox.example.com/v1"
    grantType: "client_credentials",
    tokenUrl: sandbox.tokenUrl, // "https://idp.sandbox.example.com/oauth2/token"
    clientId: "sandbox-checkout",
    clientSecret: "sandbox-checkout-secret",
  },
} satisfies Record<string, EndpointConfig>;

const security = new EndpointSecurity();

/** The environment may be chosen anew with every call. */
async function order(id: number, environment: keyof typeof orders): Promise<Seen> {
  const ordersFetch = security.wrapFetch(orders[environment]);
  const response = await ordersFetch(`/orders/${id}`);
  assert.equal(response.status, 200);
  return (await response.json()) as Seen;
}

const [real, trial] = await Promise.all([order(42, "production"), order(42, "sandbox")]);

// So it went:
assert.equal(real.claims.client_id, "checkout");
assert.equal(real.claims.iss, production.idp.issuer);
assert.equal(trial.claims.client_id, "sandbox-checkout");
assert.equal(trial.claims.iss, sandbox.idp.issuer);
console.log("Each environment got the token of its own authorization server:");
for (const configuration of Object.values(orders)) {
  const { endpoint, token, grantType } = security.explain(configuration);
  assert.equal(token, "usable");
  console.log(`  ${endpoint}: ${grantType}, token ${token}`);
}
