import { LRUCache } from "lru-cache";
import pMemoize from "p-memoize";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { shownUrl } from "../endpoint/url-rules.ts";
import { TokenRejectedError } from "../errors.ts";
import { usableUntil } from "./freshness.ts";
import type { TokenSet } from "./token-set.ts";
import type { TokenSource } from "./token-source.ts";

/** What is held of one identity. */
export class HeldToken {
  #token: TokenSet | undefined;
  #usableUntil = 0;
  /** The last access token that the backend refused. */
  refused: string | undefined;

  /** The token, while it may be sent. */
  usable(): TokenSet | undefined {
    return Date.now() < this.#usableUntil ? this.#token : undefined;
  }

  /** The token, usable or not. */
  get last(): TokenSet | undefined {
    return this.#token;
  }

  get usableUntil(): number {
    return this.#usableUntil;
  }

  hold(token: TokenSet, until: number): void {
    this.#token = token;
    this.#usableUntil = until;
  }

  /** Lets go of the token; with `only`, if it still is that one. */
  release(only?: string): void {
    if (only !== undefined && this.#token?.accessToken !== only) return;
    this.#token = undefined;
    this.#usableUntil = 0;
  }
}

/** Memory: hands out the token it holds, and lets one caller of many ask for the next. */
export class ReusingSource implements TokenSource {
  readonly #next: TokenSource;
  readonly #held: LRUCache<string, HeldToken>;
  // The single flight's key is the identity, which is the cache's key too.
  readonly #flight = pMemoize(
    async (endpoint: ResolvedEndpoint, held: HeldToken) => this.#renew(endpoint, held),
    { cache: false, cacheKey: ([{ identity }]) => identity },
  );

  constructor(next: TokenSource, { maxEntries }: { readonly maxEntries: number }) {
    this.#next = next;
    this.#held = new LRUCache({ max: maxEntries });
  }

  /** Where the endpoint's token is held: who keeps this needs no look-up. */
  held({ identity }: ResolvedEndpoint): HeldToken {
    let held = this.#held.get(identity);
    if (held === undefined) {
      held = new HeldToken();
      this.#held.set(identity, held);
    }
    return held;
  }

  async token(endpoint: ResolvedEndpoint, not?: string): Promise<TokenSet> {
    const held = this.held(endpoint);
    if (not !== undefined) {
      held.refused = not;
      held.release(not);
    }
    const usable = held.usable();
    if (usable !== undefined) return usable;
    const token = await this.#flight(endpoint, held);
    // A flight that was under way may land with the very token that is not wanted.
    return token.accessToken === not ? this.#flight(endpoint, held) : token;
  }

  async forget(endpoint: ResolvedEndpoint, only?: string): Promise<void> {
    this.held(endpoint).release(only);
    await this.#next.forget(endpoint, only);
  }

  async #renew(endpoint: ResolvedEndpoint, held: HeldToken): Promise<TokenSet> {
    for (;;) {
      const { refused } = held;
      const token = await this.#next.token(endpoint, refused);
      if (token.accessToken !== held.refused) {
        held.hold(token, usableUntil(token, endpoint.settings));
        return token;
      }
      // Refused while it was on its way: worth another try. Issued again: not.
      if (refused === held.refused) {
        throw new TokenRejectedError({
          endpoint: endpoint.label,
          tokenUrl: shownUrl(endpoint.settings.tokenUrl),
          said: "issued the token again that the backend refused",
        });
      }
    }
  }
}
