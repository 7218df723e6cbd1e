import type { AssertionAudience } from "../credentials/assertion-audience.ts";
import type { PrivateKeySource } from "../credentials/private-key.ts";
import type { Secret } from "../credentials/secrets.ts";
import type { PrivateKeyAlgorithm } from "../credentials/signature-algorithms.ts";

// For the names and the order of the members see endpoint-config.ts.

/**
 * The service acts for the subject of an assertion that somebody else issued.
 * @see https://www.rfc-editor.org/rfc/rfc7523#section-2.1
 */
export interface ForUserByAssertion {
  /** The grant: how the service gets a token, here with an assertion about the subject that the token will stand for. */
  readonly grantType: "urn:ietf:params:oauth:grant-type:jwt-bearer";
  /**
   * The assertion. Each assertion gets a token of its own, so one that is new for every call makes every
   * call request a token; let the library sign it instead (`assertionPrivateKey`).
   */
  readonly assertion: Secret;
  /** Belongs to another form of this grant. */
  readonly assertionPrivateKey?: undefined;
}

/**
 * The service acts for the subject of an assertion that the library signs, a new one for each token request.
 * @see https://www.rfc-editor.org/rfc/rfc7523#section-2.1
 */
export interface ForUserBySignedAssertion {
  /** The grant: how the service gets a token, here with an assertion about the subject that the token will stand for. */
  readonly grantType: "urn:ietf:params:oauth:grant-type:jwt-bearer";
  /** Belongs to another form of this grant. */
  readonly assertion?: undefined;
  /** The private key that signs the assertion, or a function that returns it. */
  readonly assertionPrivateKey: PrivateKeySource;
  /**
   * The `kid` by which the authorization server finds the public key.
   * @default the `kid` of a JWK
   */
  readonly assertionPrivateKeyId?: string | undefined;
  /**
   * How the assertion is signed.
   * @default what the key is for, such as RS256 for RSA and ES256 for EC on P-256
   */
  readonly assertionAlgorithm?: PrivateKeyAlgorithm | undefined;
  /**
   * The assertion's `iss`.
   * @default `clientId`
   */
  readonly assertionIssuer?: string | undefined;
  /**
   * The assertion's `sub`: the user that the service acts for.
   * @default the assertion's `iss`
   */
  readonly assertionSubject?: string | undefined;
  /** The assertion's `aud`. */
  readonly assertionAudience?: AssertionAudience | undefined;
  /**
   * How long the assertion is valid, in milliseconds.
   * @default 60_000
   */
  readonly assertionLifetimeMs?: number | undefined;
  /**
   * Further claims of the assertion.
   * @example { scope: "orders:read" }
   */
  readonly assertionClaims?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The service acts with a user's name and password.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.3
 */
export interface ForUserByPassword {
  /** The grant: how the service gets a token, here with a user's name and password. */
  readonly grantType: "password";
  /** The user's name: a string, or a function that returns it. */
  readonly username: Secret;
  /** The user's password: a string, or a function that returns it. */
  readonly password: Secret;
}

/**
 * A kind of token.
 * @see https://www.rfc-editor.org/rfc/rfc8693#section-3
 */
export type TokenTypeIdentifier =
  | "urn:ietf:params:oauth:token-type:access_token"
  | "urn:ietf:params:oauth:token-type:refresh_token"
  | "urn:ietf:params:oauth:token-type:id_token"
  | "urn:ietf:params:oauth:token-type:saml1"
  | "urn:ietf:params:oauth:token-type:saml2"
  | "urn:ietf:params:oauth:token-type:jwt"
  | (string & {});

interface SubjectTokenFields {
  /** The grant: how the service gets a token, here by exchanging another token. */
  readonly grantType: "urn:ietf:params:oauth:grant-type:token-exchange";
  /** The token of the user or service that the new token will stand for. */
  readonly subjectToken: Secret;
  /**
   * What kind of token `subjectToken` is.
   * @default "urn:ietf:params:oauth:token-type:access_token"
   */
  readonly subjectTokenType?: TokenTypeIdentifier | undefined;
  /**
   * What kind of token is requested.
   * @default the authorization server's choice
   */
  readonly requestedTokenType?: TokenTypeIdentifier | undefined;
}

/** A token exchange that also names who acts on the subject's behalf. */
export interface ForUserByDelegation extends SubjectTokenFields {
  /** The token of the party that acts on the subject's behalf. */
  readonly actorToken: Secret;
  /**
   * What kind of token `actorToken` is.
   * @default "urn:ietf:params:oauth:token-type:access_token"
   */
  readonly actorTokenType?: TokenTypeIdentifier | undefined;
}

/**
 * The service exchanges a token that it has, such as its caller's, for another.
 * @see https://www.rfc-editor.org/rfc/rfc8693#section-2.1
 */
export interface ForUserByTokenExchange extends SubjectTokenFields {
  /** Belongs to another form of this grant. */
  readonly actorToken?: undefined;
  /** Belongs to another form of this grant. */
  readonly actorTokenType?: undefined;
}

/**
 * The service acts on its own behalf.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.4
 */
export interface WithClientCredentials {
  /** The grant: how the service gets a token. `"client_credentials"` is the usual one between services. */
  readonly grantType: "client_credentials";
}

/**
 * The grant and its own fields.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-1.3
 */
export type GrantConfig =
  | ForUserByAssertion
  | ForUserByDelegation
  | ForUserByPassword
  | ForUserBySignedAssertion
  | ForUserByTokenExchange
  | WithClientCredentials;
