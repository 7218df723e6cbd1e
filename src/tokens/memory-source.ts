import { type Clock, systemClock } from "../clock.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import type { CachedTokens } from "./cached-tokens.ts";
import type { TokenSet } from "./token-set.ts";
import {
  canReplace,
  type ReplacedToken,
  refreshTokenOf,
  type TokenSource,
} from "./token-source.ts";

/** The memory of this process: a cache that always answers at once. */
export class MemorySource implements TokenSource {
  readonly #next: TokenSource;
  readonly #tokens: CachedTokens;
  readonly #clock: Clock;

  constructor(next: TokenSource, tokens: CachedTokens, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#next = next;
    this.#tokens = tokens;
  }

  async token(endpoint: ResolvedEndpoint, replaced?: ReplacedToken): Promise<TokenSet> {
    const cached = await this.#tokens.read(endpoint);
    if (cached !== undefined && canReplace(cached, replaced, this.#clock.now())) return cached;
    // A token that was dropped here may still be in the next cache.
    const dropped = cached?.isDropped ? cached.accessToken : undefined;
    const unwanted =
      replaced ?? (dropped ? { reason: "rejected" as const, accessToken: dropped } : undefined);
    const token = await this.#next.token(
      endpoint,
      unwanted,
      refreshTokenOf(cached, this.#clock.now()),
    );
    // It was read from the next cache before it was forgotten there.
    if (token.source === "cache" && this.#tokens.isForgotten(token)) token.drop();
    else await this.#tokens.write(endpoint, token);
    return token;
  }

  async forget(endpoint: ResolvedEndpoint, only?: string): Promise<void> {
    await this.#tokens.forget(endpoint, only, this.#next, ({ source }) => source === "cache");
  }
}
