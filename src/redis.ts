import type { Leases, TokenCache } from "./cache/token-cache.ts";
import type { RedisCommands } from "./redis/commands.ts";
import { Connections } from "./redis/connections.ts";
import type {
  RedisCacheOptions,
  RedisCluster,
  RedisCommonOptions,
  RedisGivenClient,
  RedisLogin,
  RedisNode,
  RedisSentinel,
  RedisServer,
  RedisTls,
  RedisUrl,
} from "./redis/options.ts";
import { RedisCacheError } from "./redis/redis-error.ts";
import { readRedisOptions } from "./redis/settings.ts";

type ErrorListener = (error: unknown) => void;

/** A Redis that processes share tokens in. */
export interface RedisCache extends TokenCache, AsyncDisposable {
  readonly leases: Leases;
  /**
   * Loads `@keyv/redis`, and connects within `connectTimeoutMs`. Not needed: it happens at first use.
   * @returns undefined when there is a connection
   */
  open(): Promise<void> | undefined;
  /**
   * Waits a moment for what is under way and closes the connection it made. A client that was given
   * stays as it is. May be called twice; the cache connects again when it is used again.
   */
  close(): Promise<void>;
  /** The time of the Redis server, where the user may ask for it (`TIME`). */
  now(): number;
  on(event: "error", listener: ErrorListener): this;
  off(event: "error", listener: ErrorListener): this;
}

/**
 * A cache for `new EndpointSecurity({ cache })` that all processes share. Nothing is loaded, nor
 * connected to, before the first use.
 *
 * @throws ConfigurationError with every mistake in the options
 */
export function createRedisCache(options: RedisCacheOptions): RedisCache {
  return new KeyvRedisCache(options);
}

/** Has no public fields: what it knows of passwords is shown to nobody. */
class KeyvRedisCache implements RedisCache {
  readonly #connections: Connections;
  readonly #listeners = new Set<ErrorListener>();
  readonly #leases: Leases = {
    acquire: (...lease) => this.#connections.use(({ leases }) => leases.acquire(...lease)),
    extend: (...lease) => this.#connections.use(({ leases }) => leases.extend(...lease)),
    release: (...lease) => this.#connections.use(({ leases }) => leases.release(...lease)),
  };

  constructor(options: RedisCacheOptions) {
    this.#connections = new Connections(readRedisOptions(options), (error) => {
      for (const listener of this.#listeners) listener(error);
    });
  }

  get leases(): Leases {
    return this.#leases;
  }

  get(key: string): Promise<unknown> {
    return this.#connections.use(({ store }) => store.get(key));
  }

  async set(key: string, value: unknown, ttlMs: number): Promise<unknown> {
    // KeyvRedis would store it for ever, or not at all, and say that it did.
    if (!Number.isInteger(ttlMs) || ttlMs < 1)
      throw new RangeError("ttlMs must be a positive integer");
    return this.#connections.use(({ store }) => store.set(key, value, ttlMs));
  }

  delete(key: string): Promise<unknown> {
    return this.#connections.use(({ store }) => store.delete(key));
  }

  open(): Promise<void> | undefined {
    return this.#connections.open();
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  now(): number {
    return this.#connections.clock.now();
  }

  on(_event: "error", listener: ErrorListener): this {
    this.#listeners.add(listener);
    return this;
  }

  off(_event: "error", listener: ErrorListener): this {
    this.#listeners.delete(listener);
    return this;
  }
}

export type {
  RedisCacheOptions,
  RedisCluster,
  RedisCommands,
  RedisCommonOptions,
  RedisGivenClient,
  RedisLogin,
  RedisNode,
  RedisSentinel,
  RedisServer,
  RedisTls,
  RedisUrl,
};
export { RedisCacheError };
