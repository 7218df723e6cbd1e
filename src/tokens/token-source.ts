import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import type { TokenSet } from "./token-set.ts";

/**
 * Anything that can return a token. Sources are stacked, each asking the next for what it lacks:
 * single flight, the memory of this process, the cache that was given, the token endpoint.
 */
export interface TokenSource {
  /** @param not an access token that is no longer wanted: the answer is another one. */
  token(endpoint: ResolvedEndpoint, not?: string): Promise<TokenSet>;
  /** Forgets the endpoint's token; with `only`, if it still is that one. */
  forget(endpoint: ResolvedEndpoint, only?: string): Promise<void>;
}
