import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import type { Refresh } from "./token-data.ts";
import type { TokenSet } from "./token-set.ts";

/** A token that is to be replaced, and why: only another token will do. */
export type ReplacedToken = RejectedToken | ExpiringToken;

/** The backend rejected it, or it was to be forgotten. */
export interface RejectedToken {
  readonly reason: "rejected";
  readonly accessToken: string;
}

/** It is still sent, and nears its expiry: a token that expires sooner won't do. */
export interface ExpiringToken {
  readonly reason: "expiring";
  readonly accessToken: string;
  readonly expiresAt: number;
  /** Until when its replacement may be postponed while the shared cache is in trouble: no caller waits for it. */
  readonly mayWaitUntil: number;
}

/** A refresh token that this process may use: no other uses it at the same time. */
export interface UsableRefreshToken {
  readonly refresh: Refresh;
  readonly scope: string | undefined;
  /** Whether this process still may use it; called right before it is sent. */
  readonly isOurs?: (() => Promise<boolean>) | undefined;
  /** The token that another process may have got meanwhile, for when this one is rejected. */
  readonly newer?: (() => Promise<TokenSet | undefined>) | undefined;
}

/** The old token is good for a while and a request now would be too early: try again soon. */
export class RenewalPostponed extends Error {}

/**
 * Anything that can return a token. Sources are stacked, each asking the next for what it lacks:
 * single flight, the memory of this process, the shared cache, the token endpoint.
 */
export interface TokenSource {
  /**
   * @param replaced the token that must not be the result.
   * @param refreshToken may be used to get a new one.
   */
  token(
    endpoint: ResolvedEndpoint,
    replaced?: ReplacedToken,
    refreshToken?: UsableRefreshToken,
  ): Promise<TokenSet>;
  /** Forgets the endpoint's token; with `only`, if it still is that one. */
  forget(endpoint: ResolvedEndpoint, only?: string): Promise<void>;
}

/** The refresh token that came with a token, until it expires. */
export function refreshTokenOf(
  token: TokenSet | undefined,
  now: number,
  lease: Pick<UsableRefreshToken, "isOurs" | "newer"> = {},
): UsableRefreshToken | undefined {
  const refresh = token?.refreshAt(now);
  return refresh && { refresh, scope: token?.scope, ...lease };
}

/** Whether a token can replace another now. */
export function canReplace(
  token: TokenSet,
  replaced: ReplacedToken | undefined,
  now: number,
): boolean {
  if (!token.isUsableAt(now) || token.accessToken === replaced?.accessToken) return false;
  return replaced?.reason !== "expiring" || token.expiresAt > replaced.expiresAt;
}
