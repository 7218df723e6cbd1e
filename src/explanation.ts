import type { ChallengeMismatch } from "./challenge-mismatch.ts";
import { shownUrl } from "./checks/url-checks.ts";
import type { EndpointType } from "./configuration/endpoint-config.ts";
import { labelOf } from "./configuration/parsed-endpoint.ts";
import type { KnownEndpoint } from "./known-endpoints.ts";
import { EndpointTokens } from "./tokens/endpoint-tokens.ts";
import { missingScopes } from "./tokens/scopes.ts";

/** What is known of an endpoint, with nothing secret in it. Points in time are ISO 8601 texts. */
export interface Explanation {
  readonly endpoint: string;
  readonly type: EndpointType;
  /** The backend asks for another kind of credentials than the endpoint is configured for. */
  readonly challengeMismatch?: ChallengeMismatch;
  /** OAuth 2.0 endpoints only, as everything below. */
  readonly grantType?: string;
  /** Without its query; a discovered one as soon as it is known. */
  readonly tokenUrl?: string;
  /** Where the token endpoint is discovered. */
  readonly issuer?: string;
  /** `none`: no token was needed yet, or it was forgotten. */
  readonly token?: "none" | "usable" | "expired";
  /** Where the token came from. */
  readonly source?: "token_endpoint" | "cache";
  readonly scope?: string | undefined;
  /** Scopes that were requested and not granted; left out where there are none. */
  readonly missingScopes?: readonly string[];
  readonly ageMs?: number;
  readonly expiresAt?: string;
  /** The first call after this moment has the token renewed. */
  readonly nextRefreshAt?: string;
  /** How many rejected tokens may still be replaced within `forcedRenewalWindowMs`. */
  readonly forcedRenewalsLeft?: number;
  /** When the token endpoint is asked again after a failure; left out where nothing stands against it. */
  readonly nextAttemptAt?: string;
  /** Why the last token request failed; undefined after one succeeded. */
  readonly lastError?:
    | { readonly at: string; readonly code: string; readonly message: string }
    | undefined;
}

/** What others than the endpoint know of it. */
interface KnownElsewhere {
  readonly challengeMismatch: ChallengeMismatch | undefined;
  tokenEndpointOf(issuer: string): string | undefined;
}

export function explanationOf(
  known: KnownEndpoint,
  { challengeMismatch, tokenEndpointOf }: KnownElsewhere,
): Explanation {
  const kind = {
    endpoint: labelOf(known.endpoint),
    type: known.endpoint.type,
    ...(challengeMismatch && { challengeMismatch }),
  };
  if (!(known instanceof EndpointTokens)) return kind;
  const { last, lastFailure, now } = known;
  const { grantType, tokenUrl = "", issuer, scope } = known.endpoint;
  const nextAttemptAt = lastFailure?.error.nextAttemptAt;
  const isAhead = nextAttemptAt !== undefined && nextAttemptAt.getTime() > now;
  const discovered = issuer === undefined ? undefined : tokenEndpointOf(issuer);
  const found = discovered && { tokenUrl: shownUrl(discovered) };
  const place = issuer === undefined ? { tokenUrl: shownUrl(tokenUrl) } : { issuer, ...found };
  const lastError = lastFailure && {
    at: isoOf(lastFailure.at),
    code: lastFailure.error.code,
    message: lastFailure.error.message,
  };
  const base = {
    ...kind,
    grantType,
    ...place,
    lastError,
    forcedRenewalsLeft: known.forcedRenewalsLeft,
    ...(isAhead && { nextAttemptAt: nextAttemptAt.toISOString() }),
  };
  if (last === undefined || last.isDropped) return { ...base, token: "none" };
  const missing = missingScopes(scope, last.scope);
  return {
    ...base,
    token: last.isUsableAt(now) ? "usable" : "expired",
    source: last.source,
    scope: last.scope,
    ...(missing.length > 0 && { missingScopes: missing }),
    ageMs: now - last.issuedAt,
    expiresAt: isoOf(last.expiresAt),
    nextRefreshAt: isoOf(last.freshUntil),
  };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
