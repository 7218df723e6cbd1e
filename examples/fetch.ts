/** A fetch that authorises its requests, and renews a refused token. */
import assert from "node:assert/strict";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { type Seen, startLocalServers } from "./local-servers.ts";

await using servers = await startLocalServers();

const orders = {
  url: servers.backendUrl, // "https://orders.example.com/v1"
  grantType: "client_credentials",
  tokenUrl: servers.tokenUrl, // "https://idp.example.com/oauth2/token"
  clientId: "checkout",
  clientSecret: "checkout-secret",
  scope: "orders:read",
} satisfies EndpointConfig;

const security = new EndpointSecurity();
const ordersFetch = security.wrapFetch(orders);

const response = await ordersFetch("/orders/42?expand=items");
const created = await ordersFetch("/orders", {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ item: "book" }),
});

// So it went:
const seen = (await response.json()) as Seen;
assert.equal(response.status, 200);
assert.equal(seen.path, "/v1/orders/42");
assert.deepEqual(seen.query, { expand: "items" });
assert.equal(seen.claims.scope, "orders:read");
assert.deepEqual(((await created.json()) as Seen).body, { item: "book" });
console.log(`GET ${seen.path} and POST /v1/orders responded 200, with one token request.`);
assert.equal(servers.idp.countTokenRequests(), 1);

// A token that the backend suddenly refuses is renewed, and the request sent once more.
servers.backend.revoke((await security.getToken(orders)).accessToken);
assert.equal((await ordersFetch("/orders/42")).status, 200);
assert.equal(servers.idp.countTokenRequests(), 2);
console.log("After the token was revoked, the next request responded 200 too, with a new token.");
