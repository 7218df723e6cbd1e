import { shownUrl } from "../checks/url-checks.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { TokenExpiredOnArrivalError } from "../errors.ts";
import type { TokenResponse } from "../oauth/token-response.ts";
import { skewOf, stalenessOf } from "./freshness.ts";
import { jwtExpiry } from "./jwt-expiry.ts";
import type { Refresh } from "./token-data.ts";
import { TokenSet } from "./token-set.ts";
import type { UsableRefreshToken } from "./token-source.ts";

// Longer than any process runs; keeps dates and cache TTLs within what they can hold.
const longestLifetimeMs = 100 * 365 * 86_400_000;

/**
 * The token that a response holds.
 * @throws TokenExpiredOnArrivalError
 */
export function issuedToken(
  response: TokenResponse,
  endpoint: ResolvedEndpoint,
  { issuedAt, arrivedAt }: { readonly issuedAt: number; readonly arrivedAt: number },
  refreshToken: UsableRefreshToken | undefined,
): TokenSet {
  const { label, settings } = endpoint;
  const { accessToken, tokenType, issuedTokenType, refreshInSeconds } = response;
  const { parameters } = response;
  const expiresAt = expiryOf(response, issuedAt, settings.renewal.defaultLifetimeMs);
  // Often what was requested: then one string serves both.
  const granted = response.scope ?? refreshToken?.scope;
  const scope = granted === settings.scope ? settings.scope : granted;
  const refreshInMs = inMs(refreshInSeconds);
  const refresh = refreshOf(response, endpoint, issuedAt) ?? refreshToken?.refresh;
  const data = {
    accessToken,
    tokenType,
    issuedTokenType,
    issuedAt,
    expiresAt,
    scope,
    refreshInMs,
    refresh,
    parameters,
  };
  const durationMs = arrivedAt - issuedAt;
  const staleMs = stalenessOf(data, settings.renewal, { refreshInMs, durationMs });
  const token = new TokenSet(
    data,
    { skewMs: skewOf(data, settings.renewal), staleMs },
    "token_endpoint",
  );
  if (token.isUsableAt(arrivedAt)) return token;
  const lifeMs = expiresAt - issuedAt;
  throw new TokenExpiredOnArrivalError({
    endpoint: label,
    tokenUrl: shownUrl(endpoint.tokenUrl),
    said:
      lifeMs > 0
        ? `issued a token with a lifetime of ${Math.round(lifeMs / 1000)} s, which had expired when it arrived`
        : "issued a token that had already expired",
  });
}

function inMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}

/** The refresh token that came with the token, where the grant uses it. */
function refreshOf(
  { refreshToken: token, refreshExpiresInSeconds }: TokenResponse,
  { strategy }: ResolvedEndpoint,
  issuedAt: number,
): Refresh | undefined {
  if (token === undefined || strategy.refreshTokens !== true) return undefined;
  // Keycloak sends 0 for a refresh token that never expires.
  const lifeMs = inMs(refreshExpiresInSeconds);
  return { token, expiresAt: lifeMs === undefined || lifeMs <= 0 ? undefined : issuedAt + lifeMs };
}

function expiryOf(response: TokenResponse, issuedAt: number, otherwiseMs: number): number {
  const { accessToken, expiresInSeconds, expiresAtMs } = response;
  const stated = expiresInSeconds === undefined ? expiresAtMs : issuedAt + expiresInSeconds * 1000;
  const own = jwtExpiry(accessToken);
  // A JWT that expired before it was issued means that the clocks differ; then `expires_in` counts.
  const isUsable = own !== undefined && (stated === undefined || own > issuedAt);
  const expiresAt = Math.min(stated ?? Infinity, isUsable ? own : Infinity);
  return Math.min(
    expiresAt === Infinity ? issuedAt + otherwiseMs : expiresAt,
    issuedAt + longestLifetimeMs,
  );
}
