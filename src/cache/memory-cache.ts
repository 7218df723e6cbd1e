import { boundedMap } from "../bounded-map.ts";
import type { TokenCache } from "./token-cache.ts";

/**
 * The default: Keyv over a bounded map, the least recently used out first. Values stay the objects
 * they are, since they never leave the process.
 */
export function memoryCache(maxEntries: number): TokenCache {
  let opened: ReturnType<typeof openMemory> | undefined;
  const keyv = () => {
    opened ??= openMemory(maxEntries);
    return opened;
  };
  return {
    get: async (key) => (await keyv()).get(key),
    set: async (key, value, ttlMs) => (await keyv()).set(key, value, ttlMs),
    delete: async (key) => (await keyv()).delete(key),
    clear: async () => (await opened)?.clear(),
  };
}

/** With the first token only: Keyv takes half as long to load as all of the main entry. */
async function openMemory(maxEntries: number) {
  const { default: Keyv } = await import("keyv");
  const entries = boundedMap<string, object>(maxEntries);
  const keyv = new Keyv({
    store: {
      // Keyv's wrapping of a value is not kept: a token knows when it ends.
      get: (key: string) => ({ value: entries.get(key) }),
      set: (key: string, { value }: { value: object }) => void entries.set(key, value),
      delete: (key: string) => entries.delete(key),
      clear: () => entries.clear(),
    },
    useKeyPrefix: false,
  });
  keyv.serialize = undefined;
  keyv.deserialize = undefined;
  return keyv;
}
