import type { Lease } from "../cache/lease.ts";
import { boundedMap } from "../endpoint/bounded-map.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { CachedSource } from "./cached-source.ts";
import { defaultTimeoutMs } from "./granted-source.ts";
import type { TokenSet } from "./token-set.ts";
import { type Held, heldIn, RenewalPutOff, replaces, type Unwanted } from "./token-source.ts";

const firstPauseMs = 20;
const longestPauseMs = 250;

/**
 * A cache that processes share: a token that one of them has is everybody's, and where the cache
 * has leases, one of them asks for the next while the others wait for it to appear.
 */
export class SharedSource extends CachedSource {
  /** Tokens that backends refused: a cache that takes no writes would bring them back. */
  readonly #refused = boundedMap<string, true>(1_000);

  override async token(endpoint: ResolvedEndpoint, not?: Unwanted, held?: Held): Promise<TokenSet> {
    // Bound to a key of this process, it is of no use to another.
    if (endpoint.settings.dpop === true) return this.next.token(endpoint, not, held);
    if (not !== undefined && not.expiresAt === undefined) this.#refused.set(not.accessToken, true);
    const cached = await this.#wanted(endpoint, not);
    if (cached !== undefined) return cached;
    if (this.cache.isInTrouble) return this.#askAlone(endpoint, not);
    if (!this.cache.hasLeases) return this.#ask(endpoint, not);

    const { tokenRequestTimeoutMs: timeoutMs = defaultTimeoutMs } = endpoint.settings;
    const leaseName = await this.leaseNameOf(endpoint);
    // What is left then is for asking oneself. Jittered, so that those who give up don't do so at once.
    const until = performance.now() + timeoutMs * (0.5 + Math.random() / 4);
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
      const lease = await this.cache.lease(leaseName);
      if (lease === undefined) return this.#askAlone(endpoint, not);
      if (lease !== "taken") return this.#askAsHolder(lease, endpoint, not);
      if (performance.now() > until) return this.#ask(endpoint, not);
      // Jittered, so that those who wait don't all come back at once.
      await pause(pauseMs * (0.5 + Math.random()));
      const appeared = await this.#wanted(endpoint, not);
      if (appeared !== undefined) return appeared;
    }
  }

  async #wanted(
    endpoint: ResolvedEndpoint,
    not: Unwanted | undefined,
  ): Promise<TokenSet | undefined> {
    const token = await this.#read(endpoint, not);
    return token !== undefined && this.#isGood(token, not) ? token : undefined;
  }

  #read(endpoint: ResolvedEndpoint, not: Unwanted | undefined): Promise<TokenSet | undefined> {
    return this.read(endpoint, (token) => this.#isGood(token, not));
  }

  #isGood(token: TokenSet, not: Unwanted | undefined): boolean {
    return !this.#refused.has(token.accessToken) && replaces(token, not);
  }

  override async forget(endpoint: ResolvedEndpoint, only?: string): Promise<void> {
    // A write that is under way would bring the token back.
    await this.cache.settled();
    await super.forget(endpoint, only);
  }

  async #askAsHolder(lease: Lease, endpoint: ResolvedEndpoint, not?: Unwanted): Promise<TokenSet> {
    let written: Promise<unknown> = Promise.resolve();
    try {
      // The one before may have written between the first look and the lease.
      const held = await this.#read(endpoint, not);
      if (held !== undefined && this.#isGood(held, not)) return held;
      // A refresh token is everybody's, so it is used under the lease alone.
      const newer = () => this.#wanted(endpoint, not);
      const token = await this.next.token(endpoint, not, held && heldIn(held, newer));
      written = this.write(endpoint, token);
      return token;
    } finally {
      // Nobody here waits for that; those who do elsewhere find the token before the lease is free.
      this.cache.behind(written.then(() => lease.release()));
    }
  }

  /**
   * A cache in trouble can't say who is next: everybody for himself. Where the old token is good for
   * long enough, it is given time to come back: a fleet doesn't ask at once because Redis restarts.
   */
  async #askAlone(endpoint: ResolvedEndpoint, not?: Unwanted): Promise<TokenSet> {
    if (Date.now() < (not?.mayWaitUntil ?? 0)) throw new RenewalPutOff();
    return this.#ask(endpoint, not);
  }

  async #ask(endpoint: ResolvedEndpoint, not?: Unwanted): Promise<TokenSet> {
    const token = await this.next.token(endpoint, not);
    this.cache.behind(this.write(endpoint, token));
    return token;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
