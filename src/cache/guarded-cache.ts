import { withDeadline } from "../endpoint/deadline.ts";
import type { Emit } from "../events.ts";
import type { TokenCache } from "./token-cache.ts";

class Late extends Error {}

/**
 * A cache that is never the reason for an error: what throws, hangs or is late counts as a miss,
 * and is told as an event.
 */
export class GuardedCache {
  readonly #cache: TokenCache;
  readonly #timeoutMs: number;
  readonly #emit: Emit;
  /** Writes that an end has to wait for. */
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #onError = (error: unknown) => this.#report("get", error);

  constructor(cache: TokenCache, timeoutMs: number, emit: Emit) {
    this.#cache = cache;
    this.#timeoutMs = timeoutMs;
    this.#emit = emit;
    cache.on?.("error", this.#onError);
  }

  async get(key: string): Promise<unknown> {
    return this.#attempt("get", () => this.#cache.get(key));
  }

  async set(key: string, value: unknown, ttlMs: number): Promise<void> {
    // What Redis takes: it would store nothing for a fraction, and say that it did.
    const ttl = Math.floor(ttlMs);
    if (ttl >= 1) await this.#track(this.#attempt("set", () => this.#cache.set(key, value, ttl)));
  }

  async delete(key: string): Promise<void> {
    await this.#attempt("delete", () => this.#cache.delete(key));
  }

  unusable(message: string): void {
    this.#emit("cacheFailed", { operation: "get", reason: "unusable_entry", message });
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    this.#cache.off?.("error", this.#onError);
  }

  #track(work: Promise<unknown>): Promise<unknown> {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
    return tracked;
  }

  async #attempt(
    operation: "get" | "set" | "delete",
    work: () => Promise<unknown>,
  ): Promise<unknown> {
    try {
      return await withDeadline(
        this.#timeoutMs,
        async () => work(),
        () => new Late(),
      );
    } catch (error) {
      this.#report(operation, error);
      return undefined;
    }
  }

  #report(operation: "get" | "set" | "delete", error: unknown): void {
    const reason = error instanceof Late ? "timeout" : "error";
    const message =
      reason === "timeout" ? `no answer within ${this.#timeoutMs} ms` : describe(error);
    this.#emit("cacheFailed", { operation, reason, message });
  }
}

/** An error's kind. Its message may quote the entry or the connection's password. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "an unknown error";
  const code: unknown = Reflect.get(error, "code");
  // Redis puts its error's kind first: "READONLY You can't write…".
  const kind = /^[A-Z]{3,20}(?= )/.exec(error.message)?.[0];
  const known = [code, kind].find(
    (word) => typeof word === "string" && /^[A-Z][A-Z0-9_]{1,40}$/.test(word),
  );
  return typeof known === "string" ? `${error.name} ${known}` : error.name;
}
