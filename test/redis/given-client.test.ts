import { createClient, createCluster, createSentinel } from "@keyv/redis";
import type { RedisGivenClient } from "endpoint-security/redis";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { type RunningRedisCluster, startRedisCluster } from "../servers/redis/redis-cluster.ts";
import { type RunningRedisSentinel, startRedisSentinel } from "../servers/redis/redis-sentinel.ts";
import { waitUntil } from "../servers/redis/wait-until.ts";
import { cacheOf, describeWithRedis, failureOf, redisHere, roundTrip } from "./redis-suite.ts";

interface Emitter {
  eventNames(): (string | symbol)[];
  listenerCount(event: string | symbol): number;
}

const listenersOf = (client: Emitter) =>
  client.eventNames().map((name) => [String(name), client.listenerCount(name)]);

async function expectUntouched(client: RedisGivenClient["client"] & Emitter) {
  const before = listenersOf(client);
  const cache = cacheOf({ client });
  expect(await roundTrip(cache)).toBe("value");
  expect(cache.open()).toBeUndefined();
  expect(await cache.leases.acquire("lease", "me", 60_000)).toBe(true);
  expect(await cache.leases.acquire("lease", "you", 60_000)).toBe(false);
  expect(await cache.leases.extend("lease", "me", 60_000)).toBe(true);
  expect(await cache.leases.release("lease", "me")).toBe(true);
  await cache.close();
  expect(client.isOpen).toBe(true);
  expect(listenersOf(client)).toEqual(before);
}

describeWithRedis("A Redis cache on a client that the service connected", () => {
  let cluster: RunningRedisCluster;
  let sentinel: RunningRedisSentinel;
  beforeAll(async () => {
    [cluster, sentinel] = await Promise.all([startRedisCluster(), startRedisSentinel()]);
  });
  afterAll(() => Promise.all([cluster.stop(), sentinel.stop()]));

  it("leaves it open and as it was", async () => {
    const { url } = await redisHere();
    const client = createClient({ url });
    client.on("error", () => {});
    onTestFinished(() => client.destroy());
    await client.connect();
    await expectUntouched(client);
    expect(await client.ping()).toBe("PONG");
  });

  it("works with RESP3 and with a client that gives Buffers", async () => {
    const { url } = await redisHere();
    // 36 and 43 are Redis' signs for bulk and simple strings.
    const buffers = { typeMapping: { 36: Buffer, 43: Buffer } };
    for (const options of [{ RESP: 3 as const }, { commandOptions: buffers }]) {
      const client = createClient({ url, ...options });
      client.on("error", () => {});
      onTestFinished(() => client.destroy());
      await client.connect();
      await expectUntouched(client);
    }
  });

  it("leaves a cluster open and as it was", async () => {
    const client = createCluster({
      rootNodes: cluster.nodes.map(({ host, port }) => ({ socket: { host, port } })),
    });
    onTestFinished(() => client.destroy());
    await client.connect();
    await expectUntouched(client);
  });

  it("leaves a sentinel open and as it was", async () => {
    const client = createSentinel({
      name: sentinel.masterName,
      sentinelRootNodes: sentinel.sentinels.map(({ host, port }) => ({ host, port })),
    });
    client.on("error", () => {});
    onTestFinished(() => client.destroy());
    await client.connect();
    await expectUntouched(client);
  });

  it("fails at once while it is not connected, and leaves connecting to the service", async () => {
    const server = await redisHere();
    const client = createClient({ url: server.url, socket: { reconnectStrategy: 20 } });
    client.on("error", () => {});
    onTestFinished(() => client.destroy());
    const cache = cacheOf({ client });
    expect(await failureOf(roundTrip(cache))).toBe("RedisCacheError DISCONNECTED");
    expect(client.isOpen).toBe(false);
    await client.connect();
    expect(await roundTrip(cache)).toBe("value");
    await server.kill();
    await waitUntil("the client to notice", () => !client.isReady);
    expect(await failureOf(cache.get("entry"))).toBe("RedisCacheError DISCONNECTED");
    expect(cache.open()).toBeUndefined();
    await server.restart();
    await waitUntil("the client to be back", () => client.isReady);
    expect(await roundTrip(cache)).toBe("value");
  });
});
