import type { ChallengeMismatch } from "./challenge-mismatch.ts";
import type { KnownEndpoint } from "./endpoint/known-endpoint.ts";
import type { OAuth2Settings } from "./endpoint/resolved-endpoint.ts";
import { shownUrl } from "./endpoint/url-rules.ts";
import { EndpointTokens } from "./tokens/endpoint-tokens.ts";

/** What is known of an endpoint, with nothing secret in it. Times are milliseconds since the epoch. */
export interface Explanation {
  readonly endpoint: string;
  readonly type: "oauth2" | "basic" | "digest" | "api_key";
  /** The backend asks for another kind of credentials than the endpoint is configured for. */
  readonly challengeMismatch?: ChallengeMismatch;
  /** OAuth 2.0 endpoints only, as everything below. */
  readonly grantType?: string;
  /** Without its query. */
  readonly tokenUrl?: string;
  /** Where the token endpoint is discovered. */
  readonly issuer?: string;
  /** `none`: no token was needed yet, or it was forgotten. */
  readonly token?: "none" | "usable" | "expired";
  /** Where the token came from. */
  readonly source?: "token_endpoint" | "cache";
  readonly scope?: string | undefined;
  readonly ageMs?: number;
  readonly expiresAt?: number;
  /** The first call after this moment has the token renewed. */
  readonly nextRefreshAt?: number;
  /** Why there was no token last time, or no other one for one refused; undefined once there is one. */
  readonly lastError?:
    | { readonly at: number; readonly code: string; readonly message: string }
    | undefined;
}

export function explanationOf(
  of: EndpointTokens | { readonly known: KnownEndpoint },
  challengeMismatch: ChallengeMismatch | undefined,
): Explanation {
  const { label, type, config } = of.known;
  const kind = { endpoint: label, type, ...(challengeMismatch && { challengeMismatch }) };
  if (!(of instanceof EndpointTokens)) return kind;
  const { last, lastFailure } = of;
  const { grantType, tokenUrl, issuer } = config as unknown as OAuth2Settings;
  const place = issuer === undefined ? { tokenUrl: shownUrl(tokenUrl) } : { issuer };
  const lastError = lastFailure && {
    at: lastFailure.at,
    code: lastFailure.error.code,
    message: lastFailure.error.message,
  };
  const base = { ...kind, grantType, ...place, lastError };
  if (last === undefined || last.isDropped) return { ...base, token: "none" };
  return {
    ...base,
    token: last.isUsable ? "usable" : "expired",
    source: last.source,
    scope: last.scope,
    ageMs: Date.now() - last.issuedAt,
    expiresAt: last.expiresAt,
    nextRefreshAt: last.freshUntil,
  };
}
