import { createClient, createCluster, createSentinel } from "@keyv/redis";
import type { EndpointSecurityOptions } from "endpoint-security";
import { createRedisCache, type RedisCache, type RedisCacheOptions } from "endpoint-security/redis";
import { describe, expectTypeOf, test } from "vitest";

const nodes = [{ host: "redis-1", port: 6379 }, "rediss://redis-2:6379"];

describe("a right way to reach Redis compiles", () => {
  test("by URL, host, cluster, sentinel", () => {
    const common = { connectTimeoutMs: 500, keyPrefix: "shop" };
    expectTypeOf(createRedisCache).toBeCallableWith({ url: "redis://localhost", ...common });
    expectTypeOf(createRedisCache).toBeCallableWith({
      host: "localhost",
      port: 6380,
      username: "app",
      password: async () => "secret",
      database: 3,
      tls: {
        ca: ["pem"],
        clientCertificate: { certificate: "pem", privateKey: () => "pem" },
        servername: "redis",
      },
    });
    expectTypeOf(createRedisCache).toBeCallableWith({ cluster: { nodes }, tls: true });
    expectTypeOf(createRedisCache).toBeCallableWith({
      sentinel: { nodes, name: "main", username: "s", password: "secret" },
      database: 1,
    });
  });

  test("with a client of one's own", () => {
    expectTypeOf(createRedisCache).toBeCallableWith({ client: createClient() });
    expectTypeOf(createRedisCache).toBeCallableWith({ client: createClient({ RESP: 3 }) });
    expectTypeOf(createRedisCache).toBeCallableWith({ client: createCluster({ rootNodes: [] }) });
    expectTypeOf(createRedisCache).toBeCallableWith({
      client: createSentinel({ name: "main", sentinelRootNodes: [] }),
    });
  });

  test("and is a cache for an EndpointSecurity", () => {
    expectTypeOf<RedisCache>().toExtend<EndpointSecurityOptions["cache"]>();
    expectTypeOf<RedisCache>().toExtend<AsyncDisposable>();
  });
});

describe("a wrong one doesn't", () => {
  test("when ways are mixed, or there is none", () => {
    // @ts-expect-error two ways
    createRedisCache({ url: "redis://localhost", host: "localhost" });
    // @ts-expect-error a port has no meaning beside a URL
    createRedisCache({ url: "redis://localhost", port: 1 });
    // @ts-expect-error a cluster has no databases
    createRedisCache({ cluster: { nodes }, database: 1 });
    // @ts-expect-error a client knows its password
    createRedisCache({ client: createClient(), password: "secret" });
    // @ts-expect-error no way
    createRedisCache({ keyPrefix: "shop" });
    // @ts-expect-error the master has a name
    createRedisCache({ sentinel: { nodes } });
  });

  test("when verification is to be turned off", () => {
    // @ts-expect-error no such option
    createRedisCache({ host: "localhost", tls: { rejectUnauthorized: false } });
  });

  test("as a variable either", () => {
    // @ts-expect-error two ways
    const options: RedisCacheOptions = { url: "redis://localhost", cluster: { nodes } };
    expectTypeOf(options).not.toBeAny();
  });
});
