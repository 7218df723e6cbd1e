import { randomUUID } from "node:crypto";
import {
  createRedisCache,
  type RedisCache,
  RedisCacheError,
  type RedisCacheOptions,
} from "../../redis.ts";
import { findingOf } from "./error-finding.ts";
import { type Finding, failed, passed } from "./step.ts";

/** Whether Redis can be reached, and allows the commands that sharing tokens takes. */
export async function checkRedis(options: RedisCacheOptions): Promise<Finding> {
  let cache: RedisCache;
  try {
    cache = createRedisCache(options);
  } catch (error) {
    return findingOf(error);
  }
  // Failures of a connection in the background come with the operations, too.
  cache.on("error", () => {});
  try {
    await cache.open();
    for (const [name, operation] of operations(cache)) {
      const problem = await operation().then(
        () => undefined,
        (error: unknown) => `${name}: ${wordsOf(error)}`,
      );
      if (problem !== undefined) {
        return failed(problem, "see docs/redis.md for the commands that a user needs");
      }
    }
    return passed("reads, writes, deletes and leases work");
  } catch (error) {
    if (error instanceof RedisCacheError) return failed(wordsOf(error), fixOf(error));
    return findingOf(error);
  } finally {
    await cache.close();
  }
}

function operations(cache: RedisCache): readonly (readonly [string, () => Promise<unknown>])[] {
  const key = `check-${randomUUID()}`;
  return [
    ["write", () => cache.set(key, "1", 10_000)],
    ["read", () => cache.get(key)],
    ["delete", () => cache.delete(key)],
    ["take a lease", () => cache.leases.acquire(key, "check", 10_000)],
    ["extend a lease", () => cache.leases.extend(key, "check", 10_000)],
    ["release a lease", () => cache.leases.release(key, "check")],
  ];
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : "an unknown error";
}

function fixOf({ code }: RedisCacheError): string | undefined {
  if (code === "NOAUTH" || code === "WRONGPASS") return "set username and password of this Redis";
  if (code === "DISCONNECTED" || code === "TIMEOUT")
    return "check host, port and tls, and whether a firewall is in the way";
  return undefined;
}
