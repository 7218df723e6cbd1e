import type { OwnGrantStrategy } from "../configuration/grant-strategy.ts";

/** @see https://www.rfc-editor.org/rfc/rfc6749#section-4.3 */
export const password = {
  grantType: "password",
  fields: [],
  credentials: { username: "required", password: "required" },
  parameterNames: ["username", "password"],
  refreshTokens: true,
  humanSecrets: true,
  parameters: (fields: { readonly username: string; readonly password: string }) => ({
    username: fields.username,
    password: fields.password,
  }),
} satisfies OwnGrantStrategy;
