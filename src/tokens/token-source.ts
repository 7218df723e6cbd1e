import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import type { Refresh, TokenSet } from "./token-set.ts";

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

/** A refresh token that is this process's to use: nobody else uses it at the same time. */
export interface Held {
  readonly refresh: Refresh;
  readonly scope: string | undefined;
  /** What others may have got meanwhile, should it be refused. */
  readonly newer?: (() => Promise<TokenSet | undefined>) | undefined;
}

/** The old token is good for a while, and asking now would be too early: try again soon. */
export class RenewalPutOff extends Error {}

/**
 * Anything that can return a token. Sources are stacked, each asking the next for what it lacks:
 * single flight, the memory of this process, the cache that was given, the token endpoint.
 */
export interface TokenSource {
  /**
   * @param not a token that is no longer wanted: the answer is another one.
   * @param held may be used to get it.
   */
  token(endpoint: ResolvedEndpoint, not?: Unwanted, held?: Held): Promise<TokenSet>;
  /** Forgets the endpoint's token; with `only`, if it still is that one. */
  forget(endpoint: ResolvedEndpoint, only?: string): Promise<void>;
}

/** What of a token at hand is good for the next. */
export function heldIn(token: TokenSet | undefined, newer?: Held["newer"]): Held | undefined {
  const refresh = token?.refresh;
  return refresh && { refresh, scope: token?.scope, newer };
}

/** Whether a token can take the place of the unwanted one. */
export function replaces(token: TokenSet, not: Unwanted | undefined): boolean {
  if (!token.isUsable || token.accessToken === not?.accessToken) return false;
  return not?.expiresAt === undefined || token.expiresAt > not.expiresAt;
}
