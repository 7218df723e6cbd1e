import { createClient } from "@keyv/redis";
import { fixtureUser, socketPath } from "./redis-config.ts";

type Client = ReturnType<typeof connection>;

/** Every key with its value; keys outside db 0 are named `db<N>/key`, other types are JSON. */
export async function dumpRedis(dir: string): Promise<Record<string, string>> {
  const client = connection(dir);
  client.on("error", () => {});
  await client.connect();
  try {
    const dump: Record<string, string> = {};
    for (const [, database] of (await client.info("keyspace")).matchAll(/^db(\d+):/gm)) {
      const prefix = database === "0" ? "" : `db${database}/`;
      await client.select(Number(database));
      for await (const keys of client.scanIterator({ COUNT: 1000 })) {
        for (const key of keys) {
          const value = await readValue(client, key);
          if (value !== undefined) dump[prefix + key] = value;
        }
      }
    }
    return dump;
  } finally {
    client.destroy();
  }
}

function connection(dir: string) {
  return createClient({
    ...fixtureUser,
    socket: { path: socketPath(dir), tls: false, connectTimeout: 5000, reconnectStrategy: false },
  });
}

/** Undefined for a key that expired since SCAN named it. */
async function readValue(client: Client, key: string): Promise<string | undefined> {
  const type = await client.type(key);
  switch (type) {
    case "none":
      return undefined;
    case "string":
      return (await client.get(key)) ?? undefined;
    case "hash":
      return JSON.stringify(await client.hGetAll(key));
    case "list":
      return JSON.stringify(await client.lRange(key, 0, -1));
    case "set":
      return JSON.stringify(await client.sMembers(key));
    case "zset":
      return JSON.stringify(await client.zRangeWithScores(key, 0, -1));
    case "stream":
      return JSON.stringify(await client.xRange(key, "-", "+"));
    default:
      return `<${type}>`;
  }
}
