import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Check } from "../checks/check.ts";

/** Parameters of a token request; a list is sent as repeated parameters, undefined not at all. */
export type GrantParameters = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * What a grant asks of the token endpoint. How it is asked (client authentication, transport,
 * errors, caching) is the library's part.
 *
 * Everything in the endpoint's configuration is part of the token's identity, a strategy's own
 * fields too. Functions and class instances in them can't be compared between processes, so a
 * token that depends on one is never shared. Name them in `credentials` to have them read instead.
 */
export interface GrantStrategy {
  /** The `grant_type` parameter. */
  readonly grantType: string;
  /**
   * Validates the strategy's own fields (all but the common ones and the credentials),
   * synchronously. Without one they are taken as they are.
   * @see https://standardschema.dev
   */
  readonly schema?: StandardSchemaV1 | undefined;
  /**
   * The strategy's own fields that are credentials: in the configuration a string or a function,
   * here always a string. They are checked like `clientSecret` and kept out of every message.
   */
  readonly credentials?: Readonly<Record<string, "required" | "optional">> | undefined;
  /**
   * Names of the strategy's own fields besides its credentials. With it, any other field is reported
   * as a mistake; without it, every other field belongs to the strategy.
   */
  readonly fields?: readonly string[] | undefined;
  /** Parameters that the strategy sets itself, so that `customParameters` may not. */
  readonly parameterNames?: readonly string[] | undefined;
  /**
   * Whether a refresh token that comes with a token is used for the next one, so that the strategy is
   * asked again only if there is none, or it is rejected. Default: false.
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
   */
  readonly refreshTokens?: boolean | undefined;
  /** The parameters besides `grant_type`, `scope`, `audience`, `resource` and the custom ones. */
  parameters(fields: never): GrantParameters | Promise<GrantParameters>;
}

/** What a strategy may know of the endpoint, and have signed with its keys. */
export interface GrantContext {
  readonly clientId: string;
  /** A new assertion, signed with the key in `<signer>PrivateKey`. */
  sign(
    signer: string,
    claims: Readonly<Record<string, unknown>>,
    lifetimeMs?: number,
  ): Promise<string>;
  /** The `aud` of an assertion for this endpoint. */
  audience(wanted?: string): string;
}

/** What the library's own strategies may have besides. */
export interface OwnGrantStrategy extends Omit<GrantStrategy, "parameters"> {
  /** What fields of the strategy have to be. */
  checks?(config: Readonly<Record<string, unknown>>): Readonly<Record<string, Check>>;
  /** Has a key in `<signer>PrivateKey`, with `<signer>PrivateKeyId` and `<signer>Algorithm`. */
  readonly signers?: readonly string[];
  /** Credentials that others see too, as tokens are: nothing is sealed with them alone. */
  readonly passing?: readonly string[];
  /** Its credentials are a person's, short enough to be guessed. */
  readonly humanSecrets?: boolean;
  /** What is issued need be no access token (`token_type` N_A). */
  readonly otherTokens?: boolean;
  parameters(fields: never, context: GrantContext): GrantParameters | Promise<GrantParameters>;
}

/** What `parameters` is called with: what the schema leaves, and the credentials as they were read. */
type FieldsFrom<Output, Strategy> = Output & {
  readonly [Name in keyof CredentialsOf<Strategy> as CredentialsOf<Strategy>[Name] extends "required"
    ? Name
    : never]: string;
} & {
  readonly [Name in keyof CredentialsOf<Strategy> as CredentialsOf<Strategy>[Name] extends "optional"
    ? Name
    : never]?: string;
};

type CredentialsOf<Strategy> = Strategy extends { readonly credentials: infer Credentials }
  ? Credentials
  : object;

/** A strategy whose `parameters` takes what its schema gives. */
type FittingSchema<Strategy> = Strategy extends {
  readonly schema: StandardSchemaV1<infer _Input, infer Output>;
  parameters(fields: infer Fields): unknown;
}
  ? FieldsFrom<Output, Strategy> extends Fields
    ? unknown
    : {
        parameters(
          fields: FieldsFrom<Output, Strategy>,
        ): GrantParameters | Promise<GrantParameters>;
      }
  : unknown;

/**
 * Keeps a strategy's exact type, so that the type of `EndpointConfig` grows with it.
 *
 * ```ts
 * const device = defineGrant({
 *   grantType: "urn:example:device",
 *   parameters: (fields: { serial: string }) => ({ serial: fields.serial }),
 * });
 * const security = new EndpointSecurity({ grants: [device] });
 * ```
 */
export function defineGrant<const Strategy extends GrantStrategy>(
  strategy: Strategy & FittingSchema<Strategy>,
): Strategy {
  return strategy;
}
