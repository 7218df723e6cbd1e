/** Tokens in a Redis: whatever shares it shares the tokens, and one of all asks for them. */
import assert from "node:assert/strict";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { createRedisCache } from "endpoint-security/redis";
import { startLocalRedis } from "./local-redis.ts";
import { type Seen, startLocalServers } from "./local-servers.ts";

await using redis = await startLocalRedis();
await using servers = await startLocalServers();

const orders = {
  url: servers.backendUrl, // "https://orders.example.com/v1"
  grantType: "client_credentials",
  tokenUrl: servers.tokenUrl, // "https://idp.example.com/oauth2/token"
  clientId: "checkout",
  clientSecret: "checkout-secret",
  scope: "orders:read",
} satisfies EndpointConfig;

const cache = createRedisCache({
  url: redis.url, // "rediss://redis.example.com:6380/0"
});
const security = new EndpointSecurity({ cache });
security.on("cacheFailed", ({ operation, reason, message }) => {
  console.warn(`going on without Redis: ${operation} ${reason}: ${message}`);
});

const ordersFetch = security.wrapFetch(orders);
const response = await ordersFetch("/orders/42");

// When the service stops: what is being written gets there, and the connection is closed.
await security.close();

// So it went:
const first = (await response.json()) as Seen;
assert.equal(response.status, 200);
assert.equal(servers.idp.countTokenRequests(), 1);
console.log("The first instance asked for a token, and left it in Redis.");

// Another process, or this one after a restart, takes the token from there.
await using another = new EndpointSecurity({ cache: createRedisCache({ url: redis.url }) });
const second = (await (await another.wrapFetch(orders)("/orders/43")).json()) as Seen;
assert.equal(another.explain(orders).source, "cache");
assert.equal(second.claims.jti, first.claims.jti);
assert.equal(servers.idp.countTokenRequests(), 1);
console.log("The second one took it from there: one token request for both.");

// A token that the backend suddenly refuses is replaced for all of them.
servers.backend.revoke((await another.getToken(orders)).accessToken);
assert.equal((await another.wrapFetch(orders)("/orders/43")).status, 200);
assert.equal(servers.idp.countTokenRequests(), 2);
console.log("After it was revoked, there is a new one.");

// Nothing of the example stays behind in a Redis that may be yours.
await another.invalidate(orders);
