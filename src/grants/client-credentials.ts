import { defineGrant } from "../configuration/grant-strategy.ts";

/** @see https://www.rfc-editor.org/rfc/rfc6749#section-4.4 */
export const clientCredentials = defineGrant({
  grantType: "client_credentials",
  fields: [],
  parameters: () => ({}),
});
