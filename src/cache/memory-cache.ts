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
