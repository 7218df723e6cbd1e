import type { GuardedCache } from "../cache/guarded-cache.ts";
import type { Lease } from "../cache/lease.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { TokenEndpointUnavailableError } from "../errors.ts";
import type { Emit } from "../events.ts";
import { pause } from "../waiting/pause.ts";
import { turns } from "../waiting/turns.ts";
import { attemptOf } from "./attempt.ts";
import type { CachedTokens } from "./cached-tokens.ts";
import type { CoolDown } from "./cool-down.ts";
import { LeaseWaits } from "./lease-wait.ts";
import type { Outage, SharedOutages } from "./shared-outages.ts";
import type { TokenSet } from "./token-set.ts";
import {
  canReplace,
  RenewalPostponed,
  type ReplacedToken,
  refreshTokenOf,
  type TokenSource,
  type UsableRefreshToken,
} from "./token-source.ts";

/** A Redis client collects commands for one turn of the event loop, and sends them in the next. */
const turnsToSend = 2;
/** A holder that fails frees its lease, so that is tried now and then; its token is seen before. */
const looksBeforeLease = 3;

interface SharedSourceDependencies {
  readonly cache: GuardedCache;
  readonly tokens: CachedTokens;
  readonly outages: SharedOutages;
  readonly coolDown: CoolDown;
  readonly clock?: Clock;
  readonly emit?: Emit;
}

/**
 * A cache that processes share: a token that one of them obtained serves all. Where the cache has
 * leases, one process requests the next token while the others wait for it to appear; and in an outage
 * one process probes the token endpoint, while the others know of it from the cache.
 */
export class SharedSource implements TokenSource {
  readonly #next: TokenSource;
  readonly #cache: GuardedCache;
  readonly #tokens: CachedTokens;
  readonly #outages: SharedOutages;
  readonly #coolDown: CoolDown;
  readonly #clock: Clock;
  readonly #emit: Emit;
  readonly #waits = new LeaseWaits();

  constructor(
    next: TokenSource,
    {
      cache,
      tokens,
      outages,
      coolDown,
      clock = systemClock,
      emit = () => {},
    }: SharedSourceDependencies,
  ) {
    this.#clock = clock;
    this.#emit = emit;
    this.#next = next;
    this.#cache = cache;
    this.#tokens = tokens;
    this.#outages = outages;
    this.#coolDown = coolDown;
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
    if (cached !== undefined) return this.#found(cached, endpoint, 0);
    if (this.#cache.isInTrouble) return this.#requestAlone(endpoint, replaced);
    if (!this.#cache.hasLeases) return this.#request(endpoint, replaced);
    return this.#requestOrWait(endpoint, replaced);
  }

  async forget(endpoint: ResolvedEndpoint, only?: string): Promise<void> {
    // A write that is under way would bring the token back.
    await this.#cache.settled();
    await this.#tokens.forget(endpoint, only, this.#next);
  }

  /** One process has the lease and requests the token; the others wait for it to appear. */
  async #requestOrWait(endpoint: ResolvedEndpoint, replaced?: ReplacedToken): Promise<TokenSet> {
    const attempt = attemptOf(endpoint);
    const isCurrent = this.#coolDown.isCurrentOutage(attempt);
    const outage = this.#coolDown.isOutage(attempt)
      ? await this.#outages.current(endpoint)
      : undefined;
    if (outage !== undefined) throw this.#learned(outage, endpoint);
    const leaseName = await this.#tokens.leaseName(endpoint);
    const wait = this.#waits.begin(endpoint);
    for (;;) {
      const lease = await this.#cache.lease(leaseName);
      if (lease === undefined) return this.#requestAlone(endpoint, replaced);
      if (lease !== "taken") return this.#requestAsHolder(lease, endpoint, replaced);
      // Another process probes the token endpoint, and its result is known soon.
      const error = isCurrent ? this.#putOff(endpoint) : undefined;
      if (error !== undefined) throw error;
      if (wait.isOver) return this.#request(endpoint, replaced);
      for (let look = 0; look < looksBeforeLease && !wait.isOver; look++) {
        await pause(wait.nextPauseMs());
        const appeared = await this.#wanted(endpoint, replaced);
        if (appeared !== undefined) {
          wait.succeeded();
          return this.#found(appeared, endpoint, wait.waitedMs);
        }
      }
      // The holder may have failed. Without a look at that, ten thousand would queue for its lease.
      const found = await this.#outages.current(endpoint);
      if (found !== undefined) throw this.#learned(found, endpoint);
    }
  }

  #found(token: TokenSet, { label }: ResolvedEndpoint, waitedMs: number): TokenSet {
    this.#emit("tokenFound", { endpoint: label, waitedMs: Math.round(waitedMs) });
    return token;
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
    return !this.#tokens.isForgotten(token) && canReplace(token, replaced, this.#clock.now());
  }

  async #requestAsHolder(
    lease: Lease,
    endpoint: ResolvedEndpoint,
    replaced?: ReplacedToken,
  ): Promise<TokenSet> {
    let written: Promise<unknown> = Promise.resolve();
    try {
      // The previous holder may have written a token between the first look and the lease, or a failure.
      const [cached, outage] = await Promise.all([
        this.#read(endpoint, replaced),
        this.#outages.current(endpoint),
      ]);
      if (cached !== undefined && this.#isGood(cached, replaced)) {
        return this.#found(cached, endpoint, 0);
      }
      if (outage !== undefined) throw this.#learned(outage, endpoint);
      // All processes share the refresh token, so only the lease's holder may use it.
      const newer = () => this.#wanted(endpoint, replaced);
      const isOurs = () => lease.isHeld();
      const refreshToken = refreshTokenOf(cached, this.#clock.now(), { isOurs, newer });
      const token = await this.#next.token(endpoint, replaced, refreshToken);
      written = (await this.#beginWrite(endpoint, token)).done;
      return token;
    } catch (error) {
      written = this.#share(error, endpoint);
      throw error;
    } finally {
      // No caller here waits for that; other processes find the token before the lease is free.
      this.#cache.behind(written.finally(() => lease.release()));
    }
  }

  /**
   * A cache in trouble can't name one process, so each requests for itself. While the old token is good
   * for long enough, the cache gets time to recover: a restart of Redis must not make a fleet request at once.
   */
  async #requestAlone(endpoint: ResolvedEndpoint, replaced?: ReplacedToken): Promise<TokenSet> {
    if (replaced?.reason === "expiring" && this.#clock.now() < replaced.mayWaitUntil) {
      throw new RenewalPostponed();
    }
    return this.#request(endpoint, replaced);
  }

  async #request(endpoint: ResolvedEndpoint, replaced?: ReplacedToken): Promise<TokenSet> {
    const token = await this.#next.token(endpoint, replaced);
    this.#cache.behind((await this.#beginWrite(endpoint, token)).done);
    return token;
  }

  /** Returns when the write is on its way: a process that ends now leaves its token to the others. */
  async #beginWrite(
    endpoint: ResolvedEndpoint,
    token: TokenSet,
  ): Promise<{ readonly done: Promise<void> }> {
    const write = await this.#tokens.prepareWrite(endpoint, token);
    const done = write();
    if (this.#cache.hasLeases) await turns(turnsToSend);
    return { done };
  }

  /** The outage that another process found, from now on known in this one. */
  #learned({ error, nextAttemptAt }: Outage, endpoint: ResolvedEndpoint): Error {
    const pauseMs = nextAttemptAt - this.#clock.now() + this.#spread(endpoint, 0.1);
    return this.#coolDown.learned(attemptOf(endpoint), error, pauseMs);
  }

  /** The error of an outage, while another process makes its attempt; undefined if it was forgotten. */
  #putOff(endpoint: ResolvedEndpoint): Error | undefined {
    return this.#coolDown.putOff(attemptOf(endpoint), this.#spread(endpoint, 0.1));
  }

  /** The process that failed is the last to try again: it may be the only one that can't reach the token endpoint. */
  async #share(error: unknown, endpoint: ResolvedEndpoint): Promise<void> {
    if (!(error instanceof TokenEndpointUnavailableError) || error.repeated) return;
    const { coolDownMs } = endpoint.settings.tokenRequest;
    this.#coolDown.putOff(attemptOf(endpoint), coolDownMs / 10);
    await this.#outages.write(endpoint, error);
  }

  /** A part of the pause, different in each process, so that they don't all look at once. */
  #spread({ settings }: ResolvedEndpoint, share: number): number {
    return settings.tokenRequest.coolDownMs * share * Math.random();
  }
}
