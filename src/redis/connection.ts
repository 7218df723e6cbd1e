import type { Leases } from "../cache/token-cache.ts";
import type { RedisCommands } from "./commands.ts";
import type { ConnectedClient } from "./connect.ts";
import { RedisLeases } from "./leases.ts";
import { mostOperations, type RedisModule } from "./node-client.ts";
import { damageOf, RedisCacheError, redacted } from "./redis-error.ts";
import { keyUnder, keyvOver, type Store } from "./store.ts";

/** One connection. It is never repaired: another one replaces it. */
export class Connection {
  readonly madeAt = performance.now();
  readonly client: RedisCommands;
  readonly store: Store;
  readonly leases: Leases;
  readonly #connected: ConnectedClient;
  /** When each operation under way began, the oldest first. */
  readonly #underWay = new Map<Promise<unknown>, number>();
  #isLost = false;
  #isDegraded: boolean;

  constructor(redis: RedisModule, connected: ConnectedClient, keyPrefix: string) {
    this.client = connected.client;
    this.store = keyvOver(redis, connected.client, keyPrefix);
    this.leases = new RedisLeases(connected.client, keyUnder(keyPrefix));
    this.#connected = connected;
    this.#isDegraded = connected.lacksNodes;
  }

  /** Nothing more comes of it. */
  get isLost(): boolean {
    return this.#isLost || (this.#connected.isOurs && !this.#connected.isReady());
  }

  /** A node of the cluster doesn't work. */
  get isDegraded(): boolean {
    return this.#isDegraded;
  }

  /** For how long the oldest operation has been waiting for its answer. */
  get waitingForMs(): number {
    const [oldest] = this.#underWay.values();
    return oldest === undefined ? 0 : performance.now() - oldest;
  }

  /** Does something, and learns from a failure what has become of the connection. */
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.isLost || !this.#connected.isReady()) throw new RedisCacheError("DISCONNECTED");
    if (this.#underWay.size >= mostOperations) throw new RedisCacheError("QUEUE_FULL");
    const working = work(this);
    this.#underWay.set(working, performance.now());
    try {
      return await working;
    } catch (error) {
      this.suffer(error);
      throw redacted(error);
    } finally {
      this.#underWay.delete(working);
    }
  }

  suffer(error: unknown): void {
    const damage = this.#connected.isOurs ? damageOf(error) : "none";
    if (damage === "lost" || (damage === "node lost" && !this.#connected.hasNodes)) {
      this.#isLost = true;
    } else if (damage === "node lost") {
      this.#isDegraded = true;
    }
  }

  /** Closes it when pending operations are done, or after the given number of milliseconds. */
  async retire(withinMs: number): Promise<void> {
    if (this.#underWay.size > 0) {
      let timer: NodeJS.Timeout | undefined;
      const enough = new Promise((resolve) => {
        timer = setTimeout(resolve, withinMs).unref();
      });
      await Promise.race([Promise.allSettled(this.#underWay.keys()), enough]);
      clearTimeout(timer);
    }
    this.destroy();
  }

  /** Closes it, and aborts pending operations. A client of the caller's is released, not closed. */
  destroy(): void {
    this.#isLost = true;
    this.#connected.destroy();
  }
}
