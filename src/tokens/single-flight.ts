import pMemoize from "p-memoize";
import { shownUrl } from "../checks/url-checks.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { TokenRejectedError } from "../errors.ts";
import { attemptOf } from "./attempt.ts";
import type { TokenSet } from "./token-set.ts";
import { RenewalPostponed, type ReplacedToken, type TokenSource } from "./token-source.ts";

/** Knows of token endpoints that are unavailable. */
interface Outages {
  /** While one request probes the token endpoint: the error for all other callers. */
  errorDuringProbe(endpoint: ResolvedEndpoint): Error | undefined;
}

/** Sends one request for all callers that need the same token at once. */
export class SingleFlight implements TokenSource {
  readonly #next: TokenSource;
  // The key is the identity, which is the cache's key too.
  readonly #flight = pMemoize(
    async (endpoint: ResolvedEndpoint, replaced?: ReplacedToken) => ({
      token: await this.#next.token(endpoint, replaced),
      without: replaced?.accessToken,
    }),
    { cache: false, cacheKey: ([endpoint]) => attemptOf(endpoint) },
  );
  readonly #pending = new Set<Promise<unknown>>();

  readonly #outages: Outages;

  constructor(next: TokenSource, outages: Outages) {
    this.#next = next;
    this.#outages = outages;
  }

  async token(endpoint: ResolvedEndpoint, replaced?: ReplacedToken): Promise<TokenSet> {
    const token = this.#token(endpoint, replaced);
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

  async #token(endpoint: ResolvedEndpoint, replaced?: ReplacedToken): Promise<TokenSet> {
    const error = this.#outages.errorDuringProbe(endpoint);
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
