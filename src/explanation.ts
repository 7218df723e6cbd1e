import type { CacheExplanation } from "./cache/cache-explanation.ts";
import type { ChallengeMismatch } from "./challenge-mismatch.ts";
import { shownUrl } from "./checks/url-checks.ts";
import type { EndpointType } from "./configuration/endpoint-config.ts";
import { labelOf } from "./configuration/parsed-endpoint.ts";
import { type EndpointState, stateOf, summaryOf } from "./endpoint-state.ts";
import type { KnownEndpoint } from "./known-endpoints.ts";
import { isoOf } from "./time-text.ts";
import { EndpointTokens } from "./tokens/endpoint-tokens.ts";
import { missingScopes } from "./tokens/scopes.ts";
import { type TransportExplanation, transportExplanation } from "./transport-explanation.ts";

/**
 * What is known of an endpoint, as plain data with nothing secret in it. Points in time are ISO 8601 texts.
 * Further fields may be added; those that are there keep their meaning.
 */
export interface Explanation {
  readonly endpoint: string;
  readonly type: EndpointType;
  /** How things are, in a word. */
  readonly state: EndpointState;
  /** The same in a sentence, for people; its words may change. */
  readonly summary: string;
  /** How requests travel. */
  readonly transport: TransportExplanation;
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
  readonly issuedAt?: string;
  readonly ageMs?: number;
  readonly expiresAt?: string;
  /** The first call after this moment has the token renewed. */
  readonly nextRenewalAt?: string;
  /** How many rejected tokens may still be replaced within `forcedRenewalWindowMs`. */
  readonly forcedRenewalsLeft?: number;
  /**
   * No token request is sent before `nextAttemptAt`, because the token endpoint was unavailable, or because
   * it rejected the last request; left out where it may be asked.
   */
  readonly coolDown?: "unavailable" | "rejected";
  /** When the token endpoint is asked again after a failure; left out where nothing stands against it. */
  readonly nextAttemptAt?: string;
  /** Why the last token request failed; undefined after one succeeded. */
  readonly lastError?:
    | { readonly at: string; readonly code: string; readonly message: string }
    | undefined;
  /** Where tokens are kept, and how that works at the moment. */
  readonly cache?: CacheExplanation;
}

/** What others than the endpoint know of it. */
interface KnownElsewhere {
  readonly challengeMismatch: ChallengeMismatch | undefined;
  readonly cache: CacheExplanation;
  tokenEndpointOf(issuer: string): string | undefined;
}

export function explanationOf(known: KnownEndpoint, elsewhere: KnownElsewhere): Explanation {
  const { challengeMismatch, tokenEndpointOf } = elsewhere;
  const { url, transport } = known.endpoint;
  const tokens = known instanceof EndpointTokens ? known : undefined;
  const { issuer } = tokens?.endpoint ?? {};
  const discovered = issuer === undefined ? undefined : tokenEndpointOf(issuer);
  const tokenUrl = tokens?.endpoint.tokenUrl ?? discovered;
  const state = stateOf(known, challengeMismatch);
  return {
    endpoint: labelOf(known.endpoint),
    type: known.endpoint.type,
    state,
    summary: summaryOf(state, known, challengeMismatch),
    transport: transportExplanation(transport, { url, tokenUrl: tokenUrl ?? issuer }),
    ...(challengeMismatch && { challengeMismatch }),
    ...(tokens && {
      grantType: tokens.endpoint.grantType,
      ...(tokenUrl !== undefined && { tokenUrl: shownUrl(tokenUrl) }),
      ...(issuer !== undefined && { issuer }),
      ...tokenExplanation(tokens),
      ...failureExplanation(tokens),
      forcedRenewalsLeft: tokens.forcedRenewalsLeft,
      cache: elsewhere.cache,
    }),
  };
}

function tokenExplanation({ last, now, endpoint }: EndpointTokens): Partial<Explanation> {
  if (last === undefined || last.isDropped) return { token: "none" };
  const missing = missingScopes(endpoint.scope, last.scope);
  return {
    token: last.isUsableAt(now) ? "usable" : "expired",
    source: last.source,
    scope: last.scope,
    ...(missing.length > 0 && { missingScopes: missing }),
    issuedAt: isoOf(last.issuedAt),
    ageMs: now - last.issuedAt,
    expiresAt: isoOf(last.expiresAt),
    nextRenewalAt: isoOf(last.freshUntil),
  };
}

function failureExplanation({
  lastFailure,
  nextAttemptAt,
}: EndpointTokens): Pick<Explanation, "coolDown" | "nextAttemptAt" | "lastError"> {
  const { at = 0, error } = lastFailure ?? {};
  return {
    ...(error &&
      nextAttemptAt && {
        coolDown: error.code === "token_endpoint_unavailable" ? "unavailable" : "rejected",
        nextAttemptAt: nextAttemptAt.toISOString(),
      }),
    lastError: error && { at: isoOf(at), code: error.code, message: error.message },
  };
}
