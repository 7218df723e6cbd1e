import type { RenewalSettings } from "../configuration/renewal-options.ts";

const longestSkewMs = 30_000;

/** When a token was issued and when it expires, in milliseconds since the epoch. */
interface Lifetime {
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/**
 * How long before its expiry a token is no longer sent, because clocks differ and requests take time: a
 * tenth of its lifetime and at most 30 s, or `expirySkewMs`; never more than half of its lifetime.
 */
export function skewOf(
  { issuedAt, expiresAt }: Lifetime,
  { expirySkewMs }: Pick<RenewalSettings, "expirySkewMs">,
): number {
  const lifeMs = expiresAt - issuedAt;
  return expirySkewMs === undefined
    ? Math.min(longestSkewMs, lifeMs / 10)
    : Math.min(expirySkewMs, lifeMs / 2);
}

/**
 * How long before its expiry a token is renewed while it is still sent: from 80 % of its lifetime
 * (`refreshAhead`), or from `refresh_in` of the token response; earlier if the last token request was so
 * slow that this would be too late, but never in the first half. Jittered, so that the processes of a
 * fleet don't all renew at once.
 *
 * @param hints.refreshInMs `refresh_in` of the token response.
 * @param hints.durationMs how long the last token request took.
 */
export function stalenessOf(
  life: Lifetime,
  settings: Pick<RenewalSettings, "expirySkewMs" | "refreshAhead" | "maxLifetimeMs">,
  hints: { readonly refreshInMs?: number | undefined; readonly durationMs?: number } = {},
): number {
  const skewMs = skewOf(life, settings);
  const { refreshAhead, maxLifetimeMs } = settings;
  const lifeMs = life.expiresAt - life.issuedAt;
  // A lifetime that is far too long is mostly a mistake of units.
  const tooOldMs = lifeMs - maxLifetimeMs;
  if (refreshAhead === false) return Math.max(skewMs, tooOldMs);
  const jitter = 1 + (Math.random() - 0.5) / 10;
  const freshMs = (hints.refreshInMs ?? lifeMs * refreshAhead) * jitter;
  const neededMs = skewMs + 2 * (hints.durationMs ?? 0);
  const staleMs = Math.min(Math.max(lifeMs - freshMs, neededMs), Math.max(lifeMs / 2, skewMs));
  return Math.max(staleMs, tooOldMs);
}
