import type { RedisCommands } from "./commands.ts";

type KeyvRedisModule = typeof import("@keyv/redis");
export type Store = InstanceType<KeyvRedisModule["Keyv"]>;

/** How Keyv names the key of an entry when `namespace` is the prefix. */
export const keyUnder = (keyPrefix: string) => (name: string) => `${keyPrefix}::${name}`;

/** A Keyv over @keyv/redis over the client, all of whose failures are thrown. */
export function keyvOver(redis: KeyvRedisModule, client: RedisCommands, keyPrefix: string): Store {
  const { default: KeyvRedis, Keyv } = redis;
  const adapter = new KeyvRedis(asAlwaysOpen(client), { throwOnErrors: true });
  const keyv = new Keyv(adapter, {
    namespace: keyPrefix,
    useKeyPrefix: false,
    throwOnErrors: true,
    // Redis itself forgets in time. An `expires` besides would be by the writer's clock, and Keyv
    // deletes what seems expired by the reader's.
    serialize: ({ value }) => JSON.stringify({ value }),
    deserialize: (text) => JSON.parse(text),
  });
  // They are thrown as well.
  keyv.on("error", () => {});
  return keyv;
}

/**
 * What KeyvRedis gets to see. It would connect a closed client by itself, adding four listeners each
 * time, and leave listeners on a client that isn't ours.
 */
function asAlwaysOpen(client: RedisCommands) {
  const seen = {
    isOpen: true,
    connect: async () => seen,
    on: () => seen,
    get: async (key: string) => {
      const value = await client.get(key);
      // A client may be set to give Buffers.
      return value instanceof Uint8Array ? Buffer.from(value).toString() : value;
    },
    set: (key: string, value: string, options: { PX: number }) =>
      client.set(key, value, { expiration: { type: "PX", value: options.PX } }),
    unlink: (key: string) => client.unlink(key),
  };
  return seen as unknown as ReturnType<KeyvRedisModule["createClient"]>;
}
