import { createRedisCache, type RedisCache, type RedisCacheOptions } from "endpoint-security/redis";
import { describe, onTestFinished } from "vitest";
import { redisServerForTests } from "../servers/redis/find-redis.ts";
import { type RedisOptions, type RunningRedis, startRedis } from "../servers/redis/redis-server.ts";
import { startTcpProxy, type TcpProxy } from "../servers/redis/slow-proxy.ts";

const redis = await redisServerForTests();
const reason = "skipped" in redis ? ` (${redis.skipped})` : "";

// Reporters leave out the titles of what is skipped.
if ("skipped" in redis) console.warn(redis.skipped);

/** A suite against real servers; its title says why, where there are none. */
export function describeWithRedis(title: string, suite: () => void): void {
  describe.skipIf("skipped" in redis)(title + reason, { timeout: 90_000 }, suite);
}

export async function redisHere(options?: RedisOptions): Promise<RunningRedis> {
  const server = await startRedis(options);
  onTestFinished(() => server.stop());
  return server;
}

export async function proxyTo(server: { host: string; port: number }): Promise<TcpProxy> {
  const proxy = await startTcpProxy(server);
  onTestFinished(() => proxy.close());
  return proxy;
}

export function cacheOf(options: RedisCacheOptions): RedisCache {
  const cache = createRedisCache(options);
  onTestFinished(() => cache.close());
  return cache;
}

/** Writes, reads and deletes an entry, after opening as the library does before every operation. */
export async function roundTrip(cache: RedisCache, key = "entry"): Promise<unknown> {
  await cache.open();
  await cache.set(key, "value", 60_000);
  await cache.open();
  const read = await cache.get(key);
  await cache.delete(key);
  return read;
}

/** What the error is called and what kind it is; "resolved" where there is none. */
export async function failureOf(work: Promise<unknown> | undefined): Promise<string> {
  try {
    await work;
    return "resolved";
  } catch (error) {
    if (!(error instanceof Error)) return typeof error;
    return `${error.name} ${Reflect.get(error, "code")}`;
  }
}
