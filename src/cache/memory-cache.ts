import Keyv from "keyv";
import { LRUCache } from "lru-cache";
import type { TokenCache } from "./token-cache.ts";

/**
 * The default: Keyv over a bounded map, the least recently used out first. Values stay the objects
 * they are, since they never leave the process.
 */
export function memoryCache(maxEntries: number): TokenCache {
  const keyv = new Keyv({
    store: new LRUCache<string, object>({ max: maxEntries }),
    useKeyPrefix: false,
  });
  keyv.serialize = undefined;
  keyv.deserialize = undefined;
  return keyv;
}
