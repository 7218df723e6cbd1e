/** Tokens in a Redis Cluster. */
import assert from "node:assert/strict";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { createRedisCache, type RedisCacheOptions } from "endpoint-security/redis";
import { startLocalRedisCluster } from "./local-redis.ts";
import { type Seen, startLocalServers } from "./local-servers.ts";

await using redis = await startLocalRedisCluster();
await using servers = await startLocalServers();

const orders = {
  name: "orders",
  url: servers.backendUrl, // "https://orders.example.com/v1"
  grantType: "client_credentials",
  tokenUrl: servers.tokenUrl, // "https://idp.example.com/oauth2/token"
  clientId: "checkout",
  clientSecret: "checkout-secret",
} satisfies EndpointConfig;

const options = {
  // Some of the nodes will do: ["redis://redis-1.example.com:6379", { host: "redis-2.example.com" }]
  cluster: { nodes: redis.nodes.slice(0, 2) },
  // username: "checkout",
  // password: () => secrets.read("redis"), // asked anew at every connection
  // tls: true,
} satisfies RedisCacheOptions;

const cache = createRedisCache(options);
const security = new EndpointSecurity({ cache });

const response = await security.wrapFetch(orders)("/orders/42");

// When the service stops:
await security.close();

// So it went:
const first = (await response.json()) as Seen;
assert.equal(response.status, 200);
assert.equal(servers.idp.countTokenRequests(), 1);
console.log("The first instance asked for a token, and left it in the cluster.");

// Another process, or this one after a restart, takes the token from there.
await using another = new EndpointSecurity({ cache: createRedisCache(options) });
const second = (await (await another.wrapFetch(orders)("/orders/43")).json()) as Seen;
assert.equal(another.explain(orders).source, "cache");
assert.equal(second.claims.jti, first.claims.jti);
assert.equal(servers.idp.countTokenRequests(), 1);
console.log("The second one took it from there: one token request for both.");

// The tokens of many endpoints are on all the nodes, whichever of them were named.
const branches = Array.from({ length: 30 }, (_, branch) => ({
  ...orders,
  customParameters: { branch: String(branch) },
}));
const headersOf = (those: EndpointSecurity) =>
  Promise.all(branches.map((branch) => those.getAuthHeader(branch)));
const headers = await headersOf(another);
await another.close();
await using third = new EndpointSecurity({ cache: createRedisCache(options) });
assert.deepEqual(await headersOf(third), headers);
assert.equal(servers.idp.countTokenRequests(), 1 + branches.length);
assert.ok((await redis.keysPerNode()).every((keys) => keys > 0));
console.log(`So did a third, ${branches.length} more of them, from all the nodes.`);
