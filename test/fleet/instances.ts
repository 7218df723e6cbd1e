import {
  EndpointSecurity,
  type EndpointSecurityEvents,
  type EndpointSecurityOptions,
} from "endpoint-security";
import { createRedisCache, type RedisCacheOptions } from "endpoint-security/redis";
import { onTestFinished } from "vitest";
import { type RunningOAuth2Server, startOAuth2Server } from "../servers/oauth2-server.ts";
import { type RedisOptions, type RunningRedis, startRedis } from "../servers/redis/redis-server.ts";

export async function redisHere(options?: RedisOptions): Promise<RunningRedis> {
  const redis = await startRedis(options);
  onTestFinished(() => redis.stop());
  return redis;
}

export async function tokenServerHere(): Promise<RunningOAuth2Server> {
  const server = await startOAuth2Server();
  onTestFinished(() => server.close());
  return server;
}

/** An instance with a connection of its own: as good as a process, and quicker. */
export function instanceOf(options: RedisCacheOptions, more: EndpointSecurityOptions = {}) {
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
