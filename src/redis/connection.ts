import type { Leases } from "../cache/token-cache.ts";
import type { RedisCommands } from "./commands.ts";
import type { Dialled } from "./dial.ts";
import { RedisLeases } from "./leases.ts";
import { mostOperations, type RedisModule } from "./node-client.ts";
import { damageOf, RedisCacheError, told } from "./redis-error.ts";
import { keyUnder, keyvOver, type Store } from "./store.ts";

/** A connection from beginning to end: it is never mended, another takes its place. */
export class Connection {
  readonly madeAt = performance.now();
  readonly client: RedisCommands;
  readonly store: Store;
  readonly leases: Leases;
  readonly #dialled: Dialled;
  /** When each operation under way began, the oldest first. */
  readonly #underWay = new Map<Promise<unknown>, number>();
  #isLost = false;
  #isWorn: boolean;

  constructor(redis: RedisModule, dialled: Dialled, keyPrefix: string) {
    this.client = dialled.client;
    this.store = keyvOver(redis, dialled.client, keyPrefix);
    this.leases = new RedisLeases(dialled.client, keyUnder(keyPrefix));
    this.#dialled = dialled;
    this.#isWorn = dialled.lacksNodes;
  }

  /** Nothing more comes of it. */
  get isLost(): boolean {
    return this.#isLost || (this.#dialled.isOurs && !this.#dialled.isReady());
  }

  /** A node of the cluster doesn't work. */
  get isWorn(): boolean {
    return this.#isWorn;
  }

  /** For how long the oldest operation has been waiting for its answer. */
  get waitingForMs(): number {
    const [oldest] = this.#underWay.values();
    return oldest === undefined ? 0 : performance.now() - oldest;
  }

  /** Does something, and learns from a failure what has become of the connection. */
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.isLost || !this.#dialled.isReady()) throw new RedisCacheError("DISCONNECTED");
    if (this.#underWay.size >= mostOperations) throw new RedisCacheError("QUEUE_FULL");
    const working = work(this);
    this.#underWay.set(working, performance.now());
    try {
      return await working;
    } catch (error) {
      this.suffer(error);
      throw told(error);
    } finally {
      this.#underWay.delete(working);
    }
  }

  suffer(error: unknown): void {
    const damage = this.#dialled.isOurs ? damageOf(error) : "none";
    if (damage === "lost" || (damage === "node lost" && !this.#dialled.hasNodes)) {
      this.#isLost = true;
    } else if (damage === "node lost") {
      this.#isWorn = true;
    }
  }

  /** Ends it when what is under way is through, or after so many milliseconds. */
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

  /** Ends it and what is under way. A client that isn't ours is let go of. */
  destroy(): void {
    this.#isLost = true;
    this.#dialled.destroy();
  }
}
