import { LRUCache } from "lru-cache";

/** A map of the entries that were used last, `most` of them. */
export function boundedMap<Key extends {}, Value extends {}>(
  most: number,
  dispose?: (value: Value) => void,
): LRUCache<Key, Value> {
  // By `max`, room would be made at once for every entry there may be: half a megabyte an instance.
  return new LRUCache<Key, Value>({
    maxSize: most,
    sizeCalculation: () => 1,
    ...(dispose && { dispose }),
  });
}
