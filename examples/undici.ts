/** An undici agent that authorises its requests, and renews a refused token. */
import assert from "node:assert/strict";
import { type EndpointConfig, EndpointSecurity, isEndpointSecurityError } from "endpoint-security";
import { authInterceptor } from "endpoint-security/undici";
import { Agent, interceptors, request } from "undici";
import { type Seen, startLocalServers } from "./local-servers.ts";

await using servers = await startLocalServers();

const orders = {
  url: servers.backendUrl, // "https://orders.example.com/v1"
  grantType: "client_credentials",
  tokenUrl: servers.tokenUrl, // "https://idp.example.com/oauth2/token"
  clientId: "checkout",
  clientSecret: "checkout-secret",
} satisfies EndpointConfig;

const security = new EndpointSecurity();
const agent = new Agent();
const dispatcher = agent.compose(
  authInterceptor(security, orders),
  interceptors.retry({ maxRetries: 2 }), // after it, so that its requests are authorised, too
);

const first = await request(`${orders.url}/orders/42`, { dispatcher });

// So it went:
const seen = (await first.body.json()) as Seen;
assert.equal(first.statusCode, 200);
assert.equal(seen.claims.client_id, "checkout");
console.log(`GET ${seen.path} answered ${first.statusCode} through undici.`);

// A token that the backend suddenly refuses is renewed, and the request sent once more.
servers.backend.revoke((await security.getToken(orders)).accessToken);
const body = JSON.stringify({ item: "book" });
const headers = { "content-type": "application/json" };
const created = await request(`${orders.url}/orders`, {
  method: "POST",
  body,
  headers,
  dispatcher,
});
assert.equal(created.statusCode, 200);
assert.deepEqual(((await created.body.json()) as Seen).body, { item: "book" });
assert.equal(servers.idp.countTokenRequests(), 2);

// Nobody else gets the token.
const elsewhere = await request(servers.tokenUrl, { dispatcher }).catch((error: unknown) => error);
assert.ok(isEndpointSecurityError(elsewhere) && elsewhere.code === "destination_refused");
console.log("A revoked token was renewed; a request to elsewhere was refused.");

await agent.close();
