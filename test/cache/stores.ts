import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import KeyvRedis from "@keyv/redis";
import KeyvValkey from "@keyv/valkey";
import type { TokenCache } from "endpoint-security";
import { createRedisCache } from "endpoint-security/redis";
import Keyv from "keyv";
import { KeyvFile } from "keyv-file";
import { onTestFinished, vi } from "vitest";
import { startRedis } from "../servers/redis/redis-server.ts";
import { removeFolder, temporaryFolder } from "../servers/redis/temporary-folder.ts";

/** A store that several instances share, as processes would. */
export interface SharedStore {
  /** As one process more would have it: with a connection of its own. */
  cache(): TokenCache;
  /** All that somebody finds in it who looks from outside. */
  content(): Promise<string>;
  /** From now on it doesn't work. */
  breakDown(): Promise<unknown>;
}

export interface StoreKind {
  readonly needsRedis: boolean;
  /** Whether one process asks for all. */
  readonly hasLeases: boolean;
  start(): Promise<SharedStore>;
}

async function inMemory(): Promise<SharedStore> {
  const entries = new Map<string, string>();
  const broken = () => {
    throw new Error("out of order");
  };
  return {
    cache: () => new Keyv({ store: entries, throwOnErrors: true }),
    content: async () => JSON.stringify([...entries]),
    breakDown: async () => Object.assign(entries, { get: broken, set: broken, delete: broken }),
  };
}

async function onDisk(): Promise<SharedStore> {
  const folder = await temporaryFolder("tokens");
  onTestFinished(() => removeFolder(folder));
  return {
    cache: () => new Keyv({ store: new KeyvFile({ filename: folder, separatedFile: true }) }),
    content: async () => {
      const names = await readdir(folder);
      const texts = names.map((name) => readFile(join(folder, name), "utf8"));
      return JSON.stringify([names, await Promise.all(texts)]);
    },
    breakDown: async () => {
      // A write may be under way, and bring the folder back.
      await vi.waitFor(async () => {
        await rm(folder, { recursive: true, force: true });
        // No folder any more, and none can be made.
        await writeFile(folder, "");
      });
    },
  };
}

const atRedis =
  (connect: (url: string) => { cache: TokenCache; disconnect(): unknown }) =>
  async (): Promise<SharedStore> => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    return {
      cache: () => {
        const { cache, disconnect } = connect(redis.url);
        onTestFinished(async () => void (await disconnect()));
        return cache;
      },
      content: async () => JSON.stringify(await redis.dump()),
      breakDown: () => redis.kill(),
    };
  };

export const storeKinds: Readonly<Record<string, StoreKind>> = {
  "Keyv in memory": { needsRedis: false, hasLeases: false, start: inMemory },
  "Keyv with keyv-file": { needsRedis: false, hasLeases: false, start: onDisk },
  "Keyv with @keyv/redis": {
    needsRedis: true,
    hasLeases: false,
    start: atRedis((url) => {
      // Else it would wait without end for a Redis that is down.
      const server = { url, disableOfflineQueue: true };
      const store = new KeyvRedis(server, { connectionTimeout: 10_000, throwOnErrors: true });
      const cache = new Keyv(store, { throwOnErrors: true });
      return { cache, disconnect: () => store.disconnect(true) };
    }),
  },
  "Keyv with @keyv/valkey": {
    needsRedis: true,
    hasLeases: false,
    start: atRedis((url) => {
      // Else it keeps the names of all entries in a set that nothing ever leaves by itself.
      const store = new KeyvValkey(url, { useRedisSets: false });
      return { cache: new Keyv({ store }), disconnect: () => store.disconnect() };
    }),
  },
  createRedisCache: {
    needsRedis: true,
    hasLeases: true,
    start: atRedis((url) => {
      const cache = createRedisCache({ url });
      return { cache, disconnect: () => cache.close() };
    }),
  },
};
