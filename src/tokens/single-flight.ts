import pMemoize from "p-memoize";
import { shownUrl } from "../checks/url-checks.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { TokenEndpointUnavailableError, TokenRejectedError } from "../errors.ts";
import { type Tracing, untraced } from "../tracing.ts";
import { withDeadline } from "../waiting/deadline.ts";
import { pause } from "../waiting/pause.ts";
import { attemptOf } from "./attempt.ts";
import type { CoolDown } from "./cool-down.ts";
import type { TokenSet } from "./token-set.ts";
import { RenewalPostponed, type ReplacedToken, type TokenSource } from "./token-source.ts";

/** Sends one request for all callers that need the same token at once. */
export class SingleFlight implements TokenSource {
  readonly #next: TokenSource;
  // The key is the identity, which is the cache's key too.
  readonly #flight = pMemoize(
    async (endpoint: ResolvedEndpoint, replaced?: ReplacedToken) => {
      try {
        const token = await this.#next.token(endpoint, replaced);
        this.#coolDown.outageEnded(attemptOf(endpoint));
        return { token, without: replaced?.accessToken };
      } finally {
        this.#coolDown.probed(attemptOf(endpoint));
        this.#tracing.tracer?.landed(attemptOf(endpoint));
      }
    },
    { cache: false, cacheKey: ([endpoint]) => attemptOf(endpoint) },
  );
  readonly #pending = new Set<Promise<unknown>>();
  readonly #coolDown: CoolDown;
  readonly #clock: Clock;
  readonly #tracing: Tracing;

  constructor(
    next: TokenSource,
    coolDown: CoolDown,
    { clock = systemClock, tracing = untraced() }: { clock?: Clock; tracing?: Tracing } = {},
  ) {
    this.#clock = clock;
    this.#tracing = tracing;
    this.#next = next;
    this.#coolDown = coolDown;
  }

  token(endpoint: ResolvedEndpoint, replaced?: ReplacedToken): Promise<TokenSet> {
    const token = endpoint.settings.tokenRequest.waitInCoolDown
      ? this.#tokenAfterOutage(endpoint, replaced)
      : this.#token(endpoint, replaced);
    const tracked: Promise<unknown> = token.then(
      () => this.#pending.delete(tracked),
      () => this.#pending.delete(tracked),
    );
    this.#pending.add(tracked);
    return token;
  }

  /** Waits for the pending requests, each of which has a deadline. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  /** In an outage the caller waits for the next attempts, as far as its deadline and retries allow. */
  async #tokenAfterOutage(endpoint: ResolvedEndpoint, replaced?: ReplacedToken): Promise<TokenSet> {
    const { timeoutMs, retries } = endpoint.settings.tokenRequest;
    const until = performance.now() + timeoutMs;
    let last: TokenEndpointUnavailableError | undefined;
    for (let left = retries; ; left--) {
      const outage = last;
      try {
        const attempt = () => this.#token(endpoint, replaced);
        if (outage === undefined) return await attempt();
        return await withDeadline(until - performance.now(), attempt, () => outage);
      } catch (error) {
        const isOutage = error instanceof TokenEndpointUnavailableError;
        if (!isOutage || left === 0 || error.nextAttemptAt === undefined) throw error;
        last = error;
        // A date is cut to whole milliseconds.
        const pauseMs = Math.max(0, error.nextAttemptAt.getTime() - this.#clock.now()) + 1;
        if (performance.now() + pauseMs >= until) throw error;
        await pause(pauseMs);
      }
    }
  }

  async #token(endpoint: ResolvedEndpoint, replaced?: ReplacedToken): Promise<TokenSet> {
    const error = this.#coolDown.errorOfOutage(attemptOf(endpoint), {
      joinsProbe: endpoint.settings.tokenRequest.waitInCoolDown,
    });
    if (error !== undefined) throw error;
    let { token, without } = await this.#requested(endpoint, replaced);
    // Another caller's request may return the very token that is to be replaced.
    const isUnwanted = token.accessToken === replaced?.accessToken;
    if (token.isDropped || (isUnwanted && without !== replaced?.accessToken)) {
      ({ token, without } = await this.#requested(endpoint, replaced));
    }
    const isRejected =
      replaced?.reason === "rejected" && token.accessToken === replaced.accessToken;
    if (!isRejected) return token;
    throw new TokenRejectedError({
      endpoint: endpoint.label,
      tokenUrl: shownUrl(endpoint.tokenUrl),
      reason: "same_token",
      said: "issued the token again that the backend rejected",
    });
  }

  /** A caller that needs a token now doesn't fail because another caller's renewal was postponed. */
  async #requested(endpoint: ResolvedEndpoint, replaced?: ReplacedToken) {
    for (;;) {
      this.#tracing.tracer?.waits(attemptOf(endpoint), endpoint.settings);
      try {
        return await this.#flight(endpoint, replaced);
      } catch (error) {
        if (!(error instanceof RenewalPostponed) || replaced?.reason === "expiring") throw error;
      }
    }
  }

  async forget(endpoint: ResolvedEndpoint, only?: string): Promise<void> {
    await this.#next.forget(endpoint, only);
  }
}
