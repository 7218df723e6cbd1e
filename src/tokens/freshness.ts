import type { OAuth2Settings } from "../endpoint/resolved-endpoint.ts";

const longestSkewMs = 30_000;

/**
 * How long before its end a token is sent no more, because clocks differ and requests take time: a
 * tenth of its life and at most 30 s, or `expirySkewMs`; never more than half its life.
 */
export function skewOf(
  { issuedAt, expiresAt }: { readonly issuedAt: number; readonly expiresAt: number },
  { expirySkewMs }: Pick<OAuth2Settings, "expirySkewMs">,
): number {
  const lifeMs = expiresAt - issuedAt;
  return expirySkewMs === undefined
    ? Math.min(longestSkewMs, lifeMs / 10)
    : Math.min(expirySkewMs, lifeMs / 2);
}
