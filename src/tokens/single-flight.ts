import pMemoize from "p-memoize";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { shownUrl } from "../endpoint/url-rules.ts";
import { TokenRejectedError } from "../errors.ts";
import type { TokenSet } from "./token-set.ts";
import { RenewalPutOff, type TokenSource, type Unwanted } from "./token-source.ts";

/** Lets one of many callers ask, and gives all of them the answer. */
export class SingleFlight implements TokenSource {
  readonly #next: TokenSource;
  // The flight's key is the identity, which is the cache's key too.
  readonly #flight = pMemoize(
    async (endpoint: ResolvedEndpoint, not?: Unwanted) => ({
      token: await this.#next.token(endpoint, not),
      askedWithout: not?.accessToken,
    }),
    { cache: false, cacheKey: ([{ identity }]) => identity },
  );

  constructor(next: TokenSource) {
    this.#next = next;
  }

  async token(endpoint: ResolvedEndpoint, not?: Unwanted): Promise<TokenSet> {
    let { token, askedWithout } = await this.#landed(endpoint, not);
    // A flight that others began may land with the very token that is not wanted.
    const isUnwanted = token.accessToken === not?.accessToken;
    if (token.isDropped || (isUnwanted && askedWithout !== not?.accessToken)) {
      ({ token, askedWithout } = await this.#landed(endpoint, not));
    }
    const refused = not?.expiresAt === undefined ? not?.accessToken : undefined;
    if (token.accessToken !== refused) return token;
    throw new TokenRejectedError({
      endpoint: endpoint.label,
      tokenUrl: shownUrl(endpoint.settings.tokenUrl),
      said: "issued the token again that the backend refused",
    });
  }

  /** Whoever can't wait doesn't give up because a flight that others began is put off. */
  async #landed(endpoint: ResolvedEndpoint, not?: Unwanted) {
    for (;;) {
      try {
        return await this.#flight(endpoint, not);
      } catch (error) {
        if (!(error instanceof RenewalPutOff) || not?.mayWaitUntil !== undefined) throw error;
      }
    }
  }

  async forget(endpoint: ResolvedEndpoint, only?: string): Promise<void> {
    await this.#next.forget(endpoint, only);
  }
}
