import { defineGrant } from "../configuration/grant-strategy.ts";
import { inheriting } from "../configuration/inheriting.ts";
import type { OAuth2Endpoint } from "../configuration/parsed-endpoint.ts";
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
 * the configured scope may be more than was granted, and would be rejected.
 */
export function refreshing(endpoint: ResolvedEndpoint, refreshToken: string): ResolvedEndpoint {
  const { settings } = endpoint;
  const overrides = {
    scope: undefined,
    grantType: strategy.grantType,
    // Sent once: after a failure nobody knows whether the server has used the token up.
    tokenRequest: { ...settings.tokenRequest, retries: 0 },
  };
  return {
    ...endpoint,
    strategy,
    settings: inheriting<OAuth2Endpoint>(settings, overrides),
    fields: { refreshToken },
  };
}
