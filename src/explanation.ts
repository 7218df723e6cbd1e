import { BearerAuthenticator } from "./authenticators/bearer.ts";
import type { KnownEndpoint } from "./endpoint/known-endpoint.ts";
import type { OAuth2Settings } from "./endpoint/resolved-endpoint.ts";
import { shownUrl } from "./endpoint/url-rules.ts";
import type { Authenticator } from "./http/authenticator.ts";

/** What is known of an endpoint, with nothing secret in it. Times are milliseconds since the epoch. */
export interface Explanation {
  readonly endpoint: string;
  readonly type: "oauth2" | "basic" | "api_key";
  /** OAuth 2.0 endpoints only, as everything below. */
  readonly grantType?: string;
  /** Without its query. */
  readonly tokenUrl?: string;
  /** `none`: no token was needed yet, or it was forgotten. */
  readonly token?: "none" | "usable" | "expired";
  /** Where the token came from. */
  readonly source?: "token_endpoint" | "cache";
  readonly scope?: string | undefined;
  readonly ageMs?: number;
  readonly expiresAt?: number;
  /** The first call after this one asks for another token. */
  readonly nextRefreshAt?: number;
  /** Why there was no token last time; undefined once there is one. */
  readonly lastError?:
    | { readonly at: number; readonly code: string; readonly message: string }
    | undefined;
}

export function explanationOf(known: KnownEndpoint, authenticator: Authenticator): Explanation {
  const { label: endpoint, type } = known;
  if (!(authenticator instanceof BearerAuthenticator)) return { endpoint, type };
  const { held, lastFailure } = authenticator.tokens;
  const { grantType, tokenUrl } = known.config as unknown as OAuth2Settings;
  const lastError = lastFailure && {
    at: lastFailure.at,
    code: lastFailure.error.code,
    message: lastFailure.error.message,
  };
  const base = { endpoint, type, grantType, tokenUrl: shownUrl(tokenUrl), lastError };
  const last = held?.last;
  if (held === undefined || last === undefined) return { ...base, token: "none" };
  return {
    ...base,
    token: held.usable() === undefined ? "expired" : "usable",
    source: last.source,
    scope: last.scope,
    ageMs: Date.now() - last.issuedAt,
    expiresAt: last.expiresAt,
    nextRefreshAt: held.usableUntil,
  };
}
