import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Secret } from "../credentials/secrets.ts";
import type { ClientAuthentication } from "./client-authentication-config.ts";
import type { GrantStrategy } from "./grant-strategy.ts";
import type { OAuth2Fields, TokenEndpointFields } from "./oauth2-config.ts";

/** A strategy's credentials, as the configuration gives them. */
type CredentialFields<Credentials> = {
  readonly [Name in keyof Credentials as Credentials[Name] extends "required"
    ? Name
    : never]: Secret;
} & {
  readonly [Name in keyof Credentials as Credentials[Name] extends "optional" ? Name : never]?:
    | Secret
    | undefined;
};

/** A strategy's own fields: what its schema accepts, else what its `parameters` reads. */
type OwnFields<Strategy> = Strategy extends { readonly schema: StandardSchemaV1<infer Input> }
  ? Input
  : Strategy extends { parameters(fields: infer Fields): unknown }
    ? Strategy extends { readonly credentials: infer Credentials }
      ? Omit<Fields, keyof Credentials>
      : Fields
    : never;

/** The configuration of an endpoint whose grant is one of the instance's own strategies. */
export type CustomGrantConfig<Strategy> = Strategy extends GrantStrategy
  ? OAuth2Fields &
      TokenEndpointFields &
      ClientAuthentication & { readonly grantType: Strategy["grantType"] } & OwnFields<Strategy> &
      (Strategy extends { readonly credentials: infer Credentials }
        ? CredentialFields<Credentials>
        : unknown)
  : never;
