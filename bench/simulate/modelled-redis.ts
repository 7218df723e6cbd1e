import type { Leases, TokenCache } from "../../src/cache/token-cache.ts";
import type { Chance } from "./chance.ts";
import { Timeline } from "./timeline.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What a Redis may be up to. */
export type RedisMood = "well" | "down" | "frozen" | "slow";

export interface RedisSettings {
  /** There and back, in milliseconds: the median. */
  readonly roundTripMs: number;
  /** What one thread gets done in a second; more than that has to queue. */
  readonly operationsPerSecond: number;
}

interface Entry {
  readonly value: unknown;
  readonly until: number;
}

const slowMs = 2_000;
const refusedAfterMs = 1;

/**
 * As much of a Redis as a fleet gets to feel: it answers one after the other, forgets what is past
 * its time, and does what it was asked even when whoever asked has long given up.
 */
export class ModelledRedis implements TokenCache {
  readonly reads = new Timeline(10);
  readonly leaseAttempts = new Timeline(10);
  readonly operations = new Timeline(10);
  readonly leases: Leases;
  readonly #clock: VirtualClock;
  readonly #chance: Chance;
  readonly #settings: RedisSettings;
  readonly #entries = new Map<string, Entry>();
  #mood: RedisMood = "well";
  /** Arrived while it was frozen. */
  #held: (() => void)[] = [];
  #busyUntil = 0;

  constructor(clock: VirtualClock, chance: Chance, settings: RedisSettings) {
    this.#clock = clock;
    this.#chance = chance;
    this.#settings = settings;
    this.leases = {
      acquire: (name, owner, ttlMs) => {
        this.leaseAttempts.add(clock.elapsed);
        return this.#serve(() => {
          if (this.#read(name) !== undefined) return false;
          this.#write(name, owner, ttlMs);
          return true;
        });
      },
      extend: (name, owner, ttlMs) =>
        this.#serve(() => {
          if (this.#read(name) !== owner) return false;
          this.#write(name, owner, ttlMs);
          return true;
        }),
      release: (name, owner) =>
        this.#serve(() => this.#read(name) === owner && this.#entries.delete(name)),
    };
  }

  get(key: string): Promise<unknown> {
    this.reads.add(this.#clock.elapsed);
    return this.#serve(() => this.#read(key));
  }

  set(key: string, value: unknown, ttlMs: number): Promise<unknown> {
    return this.#serve(() => this.#write(key, value, ttlMs));
  }

  delete(key: string): Promise<unknown> {
    return this.#serve(() => this.#entries.delete(key));
  }

  now(): number {
    return Date.now();
  }

  become(mood: RedisMood): void {
    this.#mood = mood;
    if (mood === "frozen") return;
    const held = this.#held;
    this.#held = [];
    for (const arrive of held) arrive();
  }

  /** A Redis without persistence, after a restart. */
  forget(): void {
    this.#entries.clear();
  }

  async #serve<T>(work: () => T): Promise<T> {
    const { elapsed } = this.#clock;
    this.operations.add(elapsed);
    if (this.#mood === "down") {
      await this.#clock.sleep(refusedAfterMs);
      throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    }
    const median = this.#settings.roundTripMs + (this.#mood === "slow" ? slowMs : 0);
    const oneWayMs = this.#chance.logNormal(median, 0.4) / 2;
    return new Promise((answer) => {
      const arrive = () => {
        if (this.#mood === "frozen") {
          this.#held.push(arrive);
          return;
        }
        const now = this.#clock.elapsed;
        this.#busyUntil =
          Math.max(this.#busyUntil, now) + 1_000 / this.#settings.operationsPerSecond;
        this.#clock.after(this.#busyUntil - now, () => {
          const result = work();
          this.#clock.after(oneWayMs, () => answer(result));
        });
      };
      this.#clock.after(oneWayMs, arrive);
    });
  }

  #read(key: string): unknown {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.until > this.#clock.elapsed) return entry?.value;
    this.#entries.delete(key);
    return undefined;
  }

  #write(key: string, value: unknown, ttlMs: number): void {
    this.#entries.set(key, { value, until: this.#clock.elapsed + ttlMs });
  }
}
