import { createClient } from "@keyv/redis";
import { findRedisServer, skipUnlessCi } from "./find-redis.ts";
import { startRedis } from "./redis-server.ts";

export interface RedisForTests {
  readonly url: string;
  readonly origin: "REDIS_URL" | "path" | "installed";
  stop(): Promise<void>;
}

/** A Redis of our own where redis-server can be had, else the one REDIS_URL names (shared!). */
export async function redisForTests(): Promise<RedisForTests | { readonly skipped: string }> {
  const found = await findRedisServer();
  if (!("missing" in found)) {
    const { url, stop } = await startRedis();
    return { url, origin: found.how, stop };
  }
  const url = process.env.REDIS_URL;
  if (!url) return skipUnlessCi(`${found.missing}; REDIS_URL is not set`);
  const problem = await pingProblem(url);
  if (problem) return skipUnlessCi(`${found.missing}; REDIS_URL does not answer: ${problem}`);
  // Not ours to stop.
  return { url, origin: "REDIS_URL", stop: async () => {} };
}

async function pingProblem(url: string): Promise<string | undefined> {
  const client = createClient({ url, socket: { connectTimeout: 3000, reconnectStrategy: false } });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.ping();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message || error.name : String(error);
  } finally {
    if (client.isOpen) client.destroy();
  }
}
