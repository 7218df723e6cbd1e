/** From WSO2 API Manager: its exported API and deployment.toml, as they are, call the same backends. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { EndpointSecurity } from "endpoint-security";
import { createRedisCache } from "endpoint-security/redis";
import { fromApiDefinition, fromDeploymentToml } from "endpoint-security/wso2";
import { startLocalRedis } from "./local-redis.ts";
import { startLocalServers } from "./local-servers.ts";

await using localRedis = await startLocalRedis();
await using servers = await startLocalServers({
  clients: ["orders-gateway", "orders-gateway-sandbox"].map((clientId) => ({
    clientId,
    clientSecret: "gateway-secret",
    authMethod: "client_secret_basic",
    grantTypes: ["client_credentials", "password"],
  })),
  users: [{ username: "gateway", password: "gateway-password" }],
});

const exported = new URL("./wso2/api-manager/", import.meta.url);
const read = (file: string) => readFile(new URL(file, exported), "utf8");

// The params file's environment "local" says where everything is on this machine.
const { production, sandbox, report } = fromApiDefinition(await read("Orders-1.0.0/api.yaml"), {
  params: await read("params.yaml"),
  environment: "local",
  variables: {
    TOKEN_URL: servers.tokenUrl,
    ORDERS_URL: servers.backendUrl,
    ORDERS_SANDBOX_URL: servers.backendUrl,
    ORDERS_CLIENT_SECRET: "gateway-secret",
    ORDERS_PASSWORD: "gateway-password",
  },
});
// On this machine there is neither TLS nor a proxy: yours takes `redis` and `defaults` as they are.
const toml = (await read("deployment.toml"))
  .replace("redis.example.com", new URL(localRedis.url).hostname)
  .replace("port = 6379", `port = ${new URL(localRedis.url).port}`)
  .replace('user = "gateway"\n', "")
  .replace('password = "$secret{redis_password}"\n', "")
  .replace("ssl = true", "ssl = false")
  .replace("[apim.proxy_config]\nenable = true", "[apim.proxy_config]\nenable = false");
const { redis, defaults } = fromDeploymentToml(toml);
assert(production && sandbox && redis);

const security = new EndpointSecurity({ ...defaults, cache: createRedisCache(redis) });
const statuses = [
  (await security.wrapFetch(production)("/orders/42")).status,
  (await security.wrapFetch(sandbox)("/orders/42")).status,
];
await security.close();

// So it went:
assert.deepEqual(statuses, [200, 200]);
assert.equal(servers.idp.countTokenRequests(), 2);
for (const { path, note, fix } of report.left) if (fix) console.log(`${path} ${note}; ${fix}`);
console.log("Production and sandbox are called, with tokens in the Redis of the gateways.");
