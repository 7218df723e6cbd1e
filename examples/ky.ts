/** ky with a wrapped fetch: its retries, hooks and errors stay as they are. */
import assert from "node:assert/strict";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import ky, { HTTPError } from "ky";
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
const client = ky.create({ prefixUrl: orders.url, fetch: security.wrapFetch(orders) });

const first = await client.get("orders/42", { searchParams: { expand: "items" } }).json<Seen>();

// A token that the backend suddenly refuses is renewed, and the request sent once more.
servers.backend.revoke((await security.getToken(orders)).accessToken);
const second = await client.post("orders", { json: { item: "book" } }).json<Seen>();

// So it went:
assert.equal(first.path, "/v1/orders/42");
assert.equal(first.claims.client_id, "checkout");
assert.deepEqual(second.body, { item: "book" });
assert.equal(servers.idp.countTokenRequests(), 2);
const forbidden = await client.get("admin").catch((error: unknown) => error);
assert.ok(forbidden instanceof HTTPError && forbidden.response.status === 403);
console.log("ky: two requests authorised, a revoked token renewed between them.");
