import type { OAuth2Settings } from "../endpoint/resolved-endpoint.ts";

const longestSkewMs = 30_000;
const defaultRefreshAhead = 0.8;

/** When a token was issued, and when it ends, in milliseconds since the epoch. */
interface Life {
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/**
 * How long before its end a token is sent no more, because clocks differ and requests take time: a
 * tenth of its life and at most 30 s, or `expirySkewMs`; never more than half its life.
 */
export function skewOf(
  { issuedAt, expiresAt }: Life,
  { expirySkewMs }: Pick<OAuth2Settings, "expirySkewMs">,
): number {
  const lifeMs = expiresAt - issuedAt;
  return expirySkewMs === undefined
    ? Math.min(longestSkewMs, lifeMs / 10)
    : Math.min(expirySkewMs, lifeMs / 2);
}

/**
 * How long before its end a token is stale: still sent, and renewed meanwhile. From 80 % of its life
 * on (`refreshAhead`), or from `refresh_in` where the token endpoint said so; earlier where a token
 * request lately took so long that this would be too late, but never in the first half of its life.
 * Each process takes a moment of its own, so that a fleet doesn't ask all at once.
 *
 * @param hints.refreshInMs what the token endpoint said.
 * @param hints.durationMs how long the last token request took.
 */
export function stalenessOf(
  life: Life,
  settings: Pick<OAuth2Settings, "expirySkewMs" | "refreshAhead">,
  hints: { readonly refreshInMs?: number | undefined; readonly durationMs?: number } = {},
): number {
  const skewMs = skewOf(life, settings);
  const { refreshAhead = defaultRefreshAhead } = settings;
  if (refreshAhead === false) return skewMs;
  const lifeMs = life.expiresAt - life.issuedAt;
  const jitter = 1 + (Math.random() - 0.5) / 10;
  const freshMs = (hints.refreshInMs ?? lifeMs * refreshAhead) * jitter;
  const neededMs = skewMs + 2 * (hints.durationMs ?? 0);
  return Math.min(Math.max(lifeMs - freshMs, neededMs), Math.max(lifeMs / 2, skewMs));
}
