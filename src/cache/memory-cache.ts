import Keyv from "keyv";
import { LRUCache } from "lru-cache";
import type { TokenCache } from "./token-cache.ts";

/**
 * The default: Keyv over a bounded map, the least recently used out first. Values stay the objects
 * they are, since they never leave the process.
 */
export function memoryCache(maxEntries: number): TokenCache {
  const entries = new LRUCache<string, object>({ max: maxEntries });
  const keyv = new Keyv({
    store: {
      get: (key: string) => entries.get(key),
      // Keyv's third argument is a number, where this map's is a record of options.
      set: (key: string, value: object) => void entries.set(key, value),
      delete: (key: string) => entries.delete(key),
      clear: () => entries.clear(),
    },
    useKeyPrefix: false,
  });
  keyv.serialize = undefined;
  keyv.deserialize = undefined;
  return keyv;
}
