import {
  EndpointSecurity,
  type EndpointSecurityEvents,
  type EndpointSecurityOptions,
} from "endpoint-security";
import { createRedisCache, type RedisCacheOptions } from "endpoint-security/redis";
import { onTestFinished } from "vitest";
import { type RunningOAuth2Server, startOAuth2Server } from "../servers/oauth2-server.ts";
import { type RedisOptions, type RunningRedis, startRedis } from "../servers/redis/redis-server.ts";
import { expectOnlySealed } from "./only-sealed.ts";

/** A Redis in which, when the test is over, nothing stands that says anything to anybody. */
export async function redisHere(options?: RedisOptions): Promise<RunningRedis> {
  const redis = await pollutedRedisHere(options);
  onTestFinished(async () => {
    redis.thaw();
    if (redis.running) await expectOnlySealed(redis);
  });
  return redis;
}

/** The same for a test that leaves something else in it. */
export async function pollutedRedisHere(options?: RedisOptions): Promise<RunningRedis> {
  const redis = await startRedis(options);
  onTestFinished(() => redis.stop());
  return redis;
}

export async function tokenServerHere(): Promise<RunningOAuth2Server> {
  const server = await startOAuth2Server();
  onTestFinished(() => server.close());
  return server;
}

/**
 * That a machine is busy is no reason not to share, where the time that a cache may take isn't what a
 * test is about.
 */
export const patience = { cacheTimeoutMs: 10_000 };

/** An instance with a connection of its own: as good as a process, and quicker. */
export function instanceOf(options: RedisCacheOptions, more: EndpointSecurityOptions = patience) {
  const cache = createRedisCache(options);
  const security = new EndpointSecurity({ cache, ...more });
  onTestFinished(() => security.close());
  const failures: EndpointSecurityEvents["cacheFailed"][] = [];
  const events: string[] = [];
  security.on("cacheFailed", (event) => {
    failures.push(event);
    events.push("failed");
  });
  security.on("cacheRecovered", () => events.push("recovered"));
  return { cache, security, failures, events };
}
