import { boundedMap } from "../bounded-map.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Emit, EndpointSecurityEvents } from "../events.ts";
import { isoOf } from "../time-text.ts";
import { type Tracing, untraced } from "../tracing.ts";
import { withDeadline } from "../waiting/deadline.ts";
import type { CacheExplanation } from "./cache-explanation.ts";
import { kindOfFailure } from "./cache-failure.ts";
import { Circuit } from "./circuit.ts";
import type { EntryCache } from "./entry-cache.ts";
import { Lease } from "./lease.ts";
import type { TokenCache } from "./token-cache.ts";

type Operation = EndpointSecurityEvents["cacheFailed"]["operation"];

// A cache has its own deadline for opening (Redis: 2 s); this one is for a cache that misses it.
const firstOpeningMs = 2_500;
const closeTimeoutMs = 10_000;

class Late extends Error {}

/**
 * A cache that is never the reason for an error: what throws, hangs or is late counts as a miss.
 * After some failures it is left alone for a while. One event tells when trouble begins, and one
 * when it is over.
 */
export class GuardedCache implements EntryCache {
  readonly #cache: TokenCache;
  readonly #timeoutMs: number;
  readonly #emit: Emit;
  // Reads may fail while writes work, and the other way round.
  readonly #reads: Circuit;
  readonly #writes: Circuit;
  /** What an end has to wait for. */
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #onError = (error: unknown) => this.#inTrouble("connect", error, this.#reads);
  readonly #unusable = boundedMap<string, true>(1_000);
  #wasOpened = false;
  #wasUsed = false;
  #isClosed = false;
  readonly #clock: Clock;
  readonly #tracing: Tracing;
  /** The circuit that failed, until it works again. */
  #troubled: Circuit | undefined;
  #lastError: CacheExplanation["lastError"];

  constructor(
    cache: TokenCache,
    timeoutMs: number,
    emit: Emit,
    { clock = systemClock, tracing = untraced() }: { clock?: Clock; tracing?: Tracing } = {},
  ) {
    this.#tracing = tracing;
    this.#clock = clock;
    this.#reads = new Circuit(clock);
    this.#writes = new Circuit(clock);
    this.#cache = cache;
    this.#timeoutMs = timeoutMs;
    this.#emit = emit;
    cache.on?.("error", this.#onError);
  }

  /** How much the clock that entries go by is ahead of this process's. */
  get clockLeadMs(): number {
    try {
      const lead = this.#cache.now === undefined ? 0 : this.#cache.now() - Date.now();
      return Number.isFinite(lead) ? lead : 0;
    } catch (error) {
      this.#inTrouble("connect", error, this.#reads);
      return 0;
    }
  }

  /** Whether it failed when it was last tried. */
  get isInTrouble(): boolean {
    return this.#troubled !== undefined;
  }

  explain(): CacheExplanation {
    const circuit = [this.#reads, this.#writes].find(({ isBroken }) => isBroken) ?? this.#reads;
    const { state, triedAgainInMs } = circuit;
    const working = this.#wasUsed ? "working" : "unused";
    return {
      kind: "shared",
      state: this.isInTrouble ? "failing" : working,
      circuit: state,
      ...(state === "open" && { nextAttemptAt: isoOf(this.#clock.now() + triedAgainInMs) }),
      ...(this.isInTrouble && this.#lastError && { lastError: this.#lastError }),
    };
  }

  async get(key: string): Promise<unknown> {
    return this.#attempt(
      "get",
      () => this.#cache.get(key),
      () => this.unusable(key),
    );
  }

  async set(key: string, value: unknown, ttlMs: number): Promise<void> {
    // What Redis takes: it would store nothing for a fraction, and say that it did.
    const ttl = Math.floor(ttlMs);
    this.#unusable.delete(key);
    if (ttl >= 1) await this.#attempt("set", () => this.#cache.set(key, value, ttl));
  }

  async delete(key: string): Promise<void> {
    await this.#attempt("delete", () => this.#cache.delete(key));
  }

  get hasLeases(): boolean {
    return this.#leases !== undefined;
  }

  get #leases(): TokenCache["leases"] {
    try {
      return this.#cache.leases;
    } catch (error) {
      this.#inTrouble("lease", error, this.#writes);
      return undefined;
    }
  }

  /** @returns "taken" if another has it, undefined if the cache can't say. */
  async lease(name: string): Promise<Lease | "taken" | undefined> {
    const leases = this.#leases;
    if (leases === undefined) return undefined;
    const owner = crypto.randomUUID();
    let acquiring: Promise<boolean> | undefined;
    const lease = new Lease({
      acquire: (ttlMs) =>
        this.#attempt("lease", () => {
          acquiring = leases.acquire(name, owner, ttlMs);
          return acquiring;
        }),
      extend: (ttlMs) => this.#attempt("lease", () => leases.extend(name, owner, ttlMs)),
      release: () => this.#attempt("lease", () => leases.release(name, owner)),
    });
    const acquired = await lease.acquire();
    if (acquired === undefined) {
      // It may still be granted, to nobody: then others would wait for it in vain.
      const release = async () => (await acquiring) && leases.release(name, owner);
      this.behind(release());
      return undefined;
    }
    return acquired ? lease : "taken";
  }

  /** Runs in the background; `close` waits for it. */
  behind(work: Promise<unknown>): void {
    const tracked = work.catch(() => {}).finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }

  /** Waits for what runs in the background. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  /** An entry that stands under the right name and can't be read. Told once, until it is replaced. */
  unusable(key: string): void {
    if (this.#unusable.has(key)) return;
    this.#unusable.set(key, true);
    const message = "an entry was changed or is not readable";
    this.#emit("cacheFailed", { operation: "get", reason: "unusable_entry", message });
  }

  async close(): Promise<void> {
    await this.settled();
    // What comes later would open it again, for good.
    this.#isClosed = true;
    this.#cache.off?.("error", this.#onError);
    // Nothing that a cache does on its way out is worth an error.
    const closing = async () => this.#cache.close?.();
    await withDeadline(closeTimeoutMs, closing, () => new Late()).catch(() => {});
  }

  async #attempt<T>(
    operation: Operation,
    work: () => Promise<T>,
    isRubbish: () => void = () => {},
  ): Promise<T | undefined> {
    if (this.#isClosed) return undefined;
    const circuit = operation === "get" ? this.#reads : this.#writes;
    // Where nothing can be read, writes would only pile up.
    if (circuit === this.#writes && this.#reads.isBroken) return undefined;
    if (!circuit.allows()) return undefined;
    this.#wasUsed = true;
    try {
      const start = performance.now();
      // The first time may take as long as the cache needs; later both together keep the deadline.
      const isFirst = !this.#wasOpened;
      await this.#open();
      const spentMs = isFirst ? 0 : performance.now() - start;
      const inTime = () =>
        withDeadline(
          Math.max(1, this.#timeoutMs - spentMs),
          async () => work(),
          () => new Late(),
        );
      const { tracer } = this.#tracing;
      const result = await (tracer ? tracer.cacheOperation(operation, inTime) : inTime());
      circuit.succeeded();
      this.#outOfTrouble(circuit);
      return result;
    } catch (error) {
      if (error instanceof SyntaxError) {
        // Keyv's way to say that an entry isn't JSON: the cache works, and the entry is rubbish.
        circuit.succeeded();
        isRubbish();
      } else {
        circuit.failed();
        this.#inTrouble(operation, error, circuit);
      }
      return undefined;
    }
  }

  async #open(): Promise<void> {
    const timeoutMs = this.#wasOpened ? this.#timeoutMs : Math.max(this.#timeoutMs, firstOpeningMs);
    const opening = this.#cache.open?.();
    if (opening === undefined) return;
    try {
      await withDeadline(
        timeoutMs,
        async () => opening,
        () => new Late(),
      );
    } finally {
      this.#wasOpened = true;
    }
  }

  #inTrouble(operation: Operation, error: unknown, circuit: Circuit): void {
    if (this.#troubled !== undefined) return;
    this.#troubled = circuit;
    const reason = error instanceof Late ? "timeout" : "error";
    const message = reason === "timeout" ? "no answer in time" : kindOfFailure(error);
    this.#lastError = { at: isoOf(this.#clock.now()), operation, message };
    this.#emit("cacheFailed", { operation, reason, message });
  }

  #outOfTrouble(circuit: Circuit): void {
    if (this.#troubled !== circuit) return;
    this.#troubled = undefined;
    this.#emit("cacheRecovered", {});
  }
}
