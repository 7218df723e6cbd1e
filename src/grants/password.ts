import { defineGrant } from "../endpoint/grant-strategy.ts";

/** @see https://www.rfc-editor.org/rfc/rfc6749#section-4.3 */
export const password = defineGrant({
  grantType: "password",
  fields: [],
  credentials: { username: "required", password: "required" },
  parameterNames: ["username", "password"],
  refreshTokens: true,
  parameters: (fields: { readonly username: string; readonly password: string }) => ({
    username: fields.username,
    password: fields.password,
  }),
});
