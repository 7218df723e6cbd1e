import { type Check, optional, text } from "../checks/check.ts";
import type { ForUserByTokenExchange } from "../configuration/grant-config.ts";
import type { OwnGrantStrategy } from "../configuration/grant-strategy.ts";

const accessToken = "urn:ietf:params:oauth:token-type:access_token";

type Parameters = Omit<ForUserByTokenExchange, "subjectToken" | "actorToken" | "actorTokenType"> & {
  readonly subjectToken: string;
  readonly actorToken?: string;
  readonly actorTokenType?: string;
};

/** @see https://www.rfc-editor.org/rfc/rfc8693#section-2.1 */
export const tokenExchange = {
  grantType: "urn:ietf:params:oauth:grant-type:token-exchange",
  credentials: { subjectToken: "required", actorToken: "optional" },
  passing: ["subjectToken", "actorToken"],
  otherTokens: true,
  fields: ["subjectTokenType", "actorTokenType", "requestedTokenType"],
  parameterNames: [
    "subject_token",
    "subject_token_type",
    "actor_token",
    "actor_token_type",
    "requested_token_type",
  ],
  checks: ({ actorToken }) => ({
    subjectTokenType: optional(text),
    actorTokenType: optional(actorToken === undefined ? withoutActor : text),
    requestedTokenType: optional(text),
  }),
  parameters: (fields: Parameters) => ({
    subject_token: fields.subjectToken,
    subject_token_type: fields.subjectTokenType ?? accessToken,
    actor_token: fields.actorToken,
    actor_token_type:
      fields.actorToken === undefined ? undefined : (fields.actorTokenType ?? accessToken),
    requested_token_type: fields.requestedTokenType,
  }),
} satisfies OwnGrantStrategy;

const withoutActor: Check = (_, path, problems) =>
  problems.add(path, "is set without an actorToken", "set actorToken too, or leave it out");
