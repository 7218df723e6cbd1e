import { defineGrant } from "../endpoint/grant-strategy.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";

/** @see https://www.rfc-editor.org/rfc/rfc6749#section-6 */
const strategy = defineGrant({
  grantType: "refresh_token",
  refreshTokens: true,
  parameters: (fields: { readonly refreshToken: string }) => ({
    refresh_token: fields.refreshToken,
  }),
});

/**
 * The same endpoint, asked with a refresh token. Without scope: that means the one granted, while
 * the one configured may be more than was granted, and would be refused.
 */
export function refreshing(endpoint: ResolvedEndpoint, refreshToken: string): ResolvedEndpoint {
  const { scope: _, ...settings } = endpoint.settings;
  return {
    ...endpoint,
    strategy,
    settings: { ...settings, grantType: strategy.grantType },
    fields: { refreshToken },
  };
}
