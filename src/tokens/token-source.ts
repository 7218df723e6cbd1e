import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import type { TokenSet } from "./token-set.ts";

/** A token that is to be replaced. */
export interface Unwanted {
  readonly accessToken: string;
  /**
   * When it ends, where it is good and only getting old: nothing that ends sooner will do. Undefined
   * where the backend refused it.
   */
  readonly expiresAt?: number;
  /**
   * Until when its replacement may be put off, where the shared cache is in trouble. Undefined where
   * somebody waits for it.
   */
  readonly mayWaitUntil?: number;
}

/** The old token is good for a while, and asking now would be too early: try again soon. */
export class RenewalPutOff extends Error {}

/**
 * Anything that can return a token. Sources are stacked, each asking the next for what it lacks:
 * single flight, the memory of this process, the cache that was given, the token endpoint.
 */
export interface TokenSource {
  /** @param not a token that is no longer wanted: the answer is another one. */
  token(endpoint: ResolvedEndpoint, not?: Unwanted): Promise<TokenSet>;
  /** Forgets the endpoint's token; with `only`, if it still is that one. */
  forget(endpoint: ResolvedEndpoint, only?: string): Promise<void>;
}

/** Whether a token can take the place of the unwanted one. */
export function replaces(token: TokenSet, not: Unwanted | undefined): boolean {
  if (!token.isUsable || token.accessToken === not?.accessToken) return false;
  return not?.expiresAt === undefined || token.expiresAt > not.expiresAt;
}
