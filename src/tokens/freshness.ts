import type { OAuth2Settings } from "../endpoint/resolved-endpoint.ts";
import type { TokenSet } from "./token-set.ts";

const longestSkewMs = 30_000;

/**
 * Until when a token may be sent: some time before it expires, because clocks differ and requests
 * take time. A tenth of its life and at most 30 s, or `expirySkewMs`; never more than half its life.
 */
export function usableUntil(
  token: Pick<TokenSet, "issuedAt" | "expiresAt">,
  { expirySkewMs }: Pick<OAuth2Settings, "expirySkewMs">,
): number {
  const lifeMs = token.expiresAt - token.issuedAt;
  const skewMs =
    expirySkewMs === undefined
      ? Math.min(longestSkewMs, lifeMs / 10)
      : Math.min(expirySkewMs, lifeMs / 2);
  return token.expiresAt - skewMs;
}
