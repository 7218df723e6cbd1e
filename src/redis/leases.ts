import type { Leases } from "../cache/token-cache.ts";
import type { RedisCommands } from "./commands.ts";
import { forbidsScripts } from "./redis-error.ts";

const extendScript =
  "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('PEXPIRE',KEYS[1],ARGV[2]) end return 0";
const releaseScript =
  "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('UNLINK',KEYS[1]) end return 0";

/**
 * Leases as keys that hold their owner's name and end by themselves. Extending and releasing compare
 * the owner first, in a script, so that nobody touches another's lease.
 *
 * @see https://redis.io/docs/latest/develop/use/patterns/distributed-locks/#correct-implementation-with-a-single-instance
 */
export class RedisLeases implements Leases {
  readonly #client: RedisCommands;
  readonly #keyOf: (name: string) => string;
  #scripts = true;

  constructor(client: RedisCommands, keyOf: (name: string) => string) {
    this.#client = client;
    this.#keyOf = keyOf;
  }

  async acquire(name: string, owner: string, ttlMs: number): Promise<boolean> {
    const reply = await this.#client.set(this.#keyOf(name), owner, {
      condition: "NX",
      expiration: { type: "PX", value: ttlMs },
    });
    return reply !== null;
  }

  async extend(name: string, owner: string, ttlMs: number): Promise<boolean> {
    return this.#ifOwned(extendScript, name, [owner, String(ttlMs)], (key) =>
      this.#client.pExpire(key, ttlMs),
    );
  }

  async release(name: string, owner: string): Promise<boolean> {
    return this.#ifOwned(releaseScript, name, [owner], (key) => this.#client.unlink(key));
  }

  async #ifOwned(
    script: string,
    name: string,
    [owner = "", ...rest]: readonly string[],
    otherwise: (key: string) => Promise<unknown>,
  ): Promise<boolean> {
    const key = this.#keyOf(name);
    if (this.#scripts) {
      try {
        const reply = await this.#client.eval(script, { keys: [key], arguments: [owner, ...rest] });
        return Number(reply) === 1;
      } catch (error) {
        if (!forbidsScripts(error)) throw error;
        this.#scripts = false;
      }
    }
    // In two steps: a lease that ends between them may be the next owner's when it is touched. That
    // costs a token request at worst.
    if (String(await this.#client.get(key)) !== owner) return false;
    return Number(await otherwise(key)) === 1;
  }
}
