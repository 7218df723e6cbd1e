import type { Keyv } from "keyv";
import { boundedMap } from "../bounded-map.ts";
import type { EntryCache } from "./entry-cache.ts";

/**
 * The memory of this process: Keyv over a bounded map, the least recently used out first. Values stay the
 * objects they are, since they never leave the process. It needs no deadline: however busy the process
 * is, a map has answered.
 */
export class MemoryCache implements EntryCache {
  readonly isInTrouble = false;
  readonly clockLeadMs = 0;
  readonly #maxEntries: number;
  #opened: Promise<Keyv> | undefined;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  async get(key: string): Promise<unknown> {
    return (await this.#keyv()).get(key);
  }

  async set(key: string, value: unknown, ttlMs: number): Promise<void> {
    if (ttlMs >= 1) await (await this.#keyv()).set(key, value, ttlMs);
  }

  async delete(key: string): Promise<void> {
    await (await this.#keyv()).delete(key);
  }

  async clear(): Promise<void> {
    await (await this.#opened)?.clear();
  }

  /** Every value here was put in by this process. */
  unusable(): void {}

  #keyv(): Promise<Keyv> {
    this.#opened ??= openMemory(this.#maxEntries);
    return this.#opened;
  }
}

/** With the first token only: Keyv takes half as long to load as all of the main entry. */
async function openMemory(maxEntries: number): Promise<Keyv> {
  const { Keyv } = await import("keyv");
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
