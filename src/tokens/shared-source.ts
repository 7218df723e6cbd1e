import type { Lease } from "../cache/lease.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { pause } from "../waiting/pause.ts";
import type { CachedTokens } from "./cached-tokens.ts";
import type { TokenSet } from "./token-set.ts";
import {
  canReplace,
  RenewalPostponed,
  type ReplacedToken,
  refreshTokenOf,
  type TokenSource,
  type UsableRefreshToken,
} from "./token-source.ts";

const firstPauseMs = 20;
const longestPauseMs = 250;

/**
 * A cache that processes share: a token that one of them obtained serves all. Where the cache has
 * leases, one process requests the next token while the others wait for it to appear.
 */
export class SharedSource implements TokenSource {
  readonly #next: TokenSource;
  readonly #tokens: CachedTokens;

  constructor(next: TokenSource, tokens: CachedTokens) {
    this.#next = next;
    this.#tokens = tokens;
  }

  async token(
    endpoint: ResolvedEndpoint,
    replaced?: ReplacedToken,
    refreshToken?: UsableRefreshToken,
  ): Promise<TokenSet> {
    // A token that is bound to a key of this process is of no use to another.
    if (endpoint.settings.dpop === true) return this.#next.token(endpoint, replaced, refreshToken);
    if (replaced?.reason === "rejected") this.#tokens.markForgotten(replaced.accessToken);
    const cached = await this.#wanted(endpoint, replaced);
    if (cached !== undefined) return cached;
    const { cache } = this.#tokens;
    if (cache.isInTrouble) return this.#requestAlone(endpoint, replaced);
    if (!cache.hasLeases) return this.#request(endpoint, replaced);

    const { timeoutMs } = endpoint.settings.tokenRequest;
    const leaseName = await this.#tokens.leaseName(endpoint);
    // The rest of the deadline is for a request of its own. Jittered, so that the processes that give
    // up waiting don't all request at once.
    const until = performance.now() + timeoutMs * (0.5 + Math.random() / 4);
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
      const lease = await cache.lease(leaseName);
      if (lease === undefined) return this.#requestAlone(endpoint, replaced);
      if (lease !== "taken") return this.#requestAsHolder(lease, endpoint, replaced);
      if (performance.now() > until) return this.#request(endpoint, replaced);
      // Jittered, so that the waiting processes don't all look at once.
      await pause(pauseMs * (0.5 + Math.random()));
      const appeared = await this.#wanted(endpoint, replaced);
      if (appeared !== undefined) return appeared;
    }
  }

  async forget(endpoint: ResolvedEndpoint, only?: string): Promise<void> {
    // A write that is under way would bring the token back.
    await this.#tokens.cache.settled();
    await this.#tokens.forget(endpoint, only, this.#next);
  }

  async #wanted(
    endpoint: ResolvedEndpoint,
    replaced: ReplacedToken | undefined,
  ): Promise<TokenSet | undefined> {
    const token = await this.#read(endpoint, replaced);
    return token !== undefined && this.#isGood(token, replaced) ? token : undefined;
  }

  #read(
    endpoint: ResolvedEndpoint,
    replaced: ReplacedToken | undefined,
  ): Promise<TokenSet | undefined> {
    return this.#tokens.read(endpoint, (token) => this.#isGood(token, replaced));
  }

  #isGood(token: TokenSet, replaced: ReplacedToken | undefined): boolean {
    return !this.#tokens.isForgotten(token) && canReplace(token, replaced);
  }

  async #requestAsHolder(
    lease: Lease,
    endpoint: ResolvedEndpoint,
    replaced?: ReplacedToken,
  ): Promise<TokenSet> {
    let written: Promise<unknown> = Promise.resolve();
    try {
      // The previous holder may have written a token between the first look and the lease.
      const cached = await this.#read(endpoint, replaced);
      if (cached !== undefined && this.#isGood(cached, replaced)) return cached;
      // All processes share the refresh token, so only the lease's holder may use it.
      const newer = () => this.#wanted(endpoint, replaced);
      const isOurs = () => lease.isHeld();
      const refreshToken = refreshTokenOf(cached, { isOurs, newer });
      const token = await this.#next.token(endpoint, replaced, refreshToken);
      written = this.#tokens.write(endpoint, token);
      return token;
    } finally {
      // No caller here waits for that; other processes find the token before the lease is free.
      this.#tokens.cache.behind(written.then(() => lease.release()));
    }
  }

  /**
   * A cache in trouble can't name one process, so each requests for itself. While the old token is good
   * for long enough, the cache gets time to recover: a restart of Redis must not make a fleet request at once.
   */
  async #requestAlone(endpoint: ResolvedEndpoint, replaced?: ReplacedToken): Promise<TokenSet> {
    if (replaced?.reason === "expiring" && Date.now() < replaced.mayWaitUntil) {
      throw new RenewalPostponed();
    }
    return this.#request(endpoint, replaced);
  }

  async #request(endpoint: ResolvedEndpoint, replaced?: ReplacedToken): Promise<TokenSet> {
    const token = await this.#next.token(endpoint, replaced);
    this.#tokens.cache.behind(this.#tokens.write(endpoint, token));
    return token;
  }
}
