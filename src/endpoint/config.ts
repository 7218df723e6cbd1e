import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { AssertionAudience } from "./assertion-audience.ts";
import type { GrantStrategy } from "./grant-strategy.ts";
import type { PrivateKey, PrivateKeySource } from "./private-key.ts";
import type { ClientSecret, Secret } from "./secrets.ts";
import type { PrivateKeyAlgorithm, SecretAlgorithm } from "./signature-algorithms.ts";
import type { ClientCertificate, Transport } from "./transport-fields.ts";

/** What every kind of endpoint has. */
interface CommonFields {
  /** What errors, events and `explain` call the endpoint. Default: its `url`, else where its tokens come from. */
  readonly name?: string | undefined;
  /**
   * The protected backend: an absolute http or https URL without query. The wrappers join relative
   * URLs below it and send credentials nowhere else.
   */
  readonly url?: string | undefined;
  /** How requests to it and to its token endpoint travel. Default: as the instance's `transport` says. */
  readonly transport?: Transport | undefined;
}

/**
 * How the client proves who it is to the token endpoint.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-2.3
 */
export type ClientAuthentication =
  | {
      /** Default: `client_secret_basic`. */
      readonly tokenEndpointAuthMethod?: "client_secret_basic" | undefined;
      /** A list, the new secret first, lets both be good while they are rotated. */
      readonly clientSecret: ClientSecret;
      /**
       * How client id and secret are written into the Basic header. `form` (default) encodes them
       * as RFC 6749 §2.3.1 asks, leaving letters, digits and `-._~` alone; `raw` takes them as they
       * are, for servers that don't decode.
       */
      readonly clientSecretBasicEncoding?: "form" | "raw" | undefined;
    }
  | {
      readonly tokenEndpointAuthMethod: "client_secret_post";
      readonly clientSecret: ClientSecret;
    }
  | {
      /**
       * An assertion signed with the client's secret, new for each request.
       * @see https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication
       */
      readonly tokenEndpointAuthMethod: "client_secret_jwt";
      readonly clientSecret: ClientSecret;
      /** Default: `HS256`. */
      readonly clientAssertionAlgorithm?: SecretAlgorithm | undefined;
      readonly clientAssertionAudience?: AssertionAudience | undefined;
    }
  | PrivateKeyJwtAuthentication
  | {
      /**
       * The certificate that the client shows in TLS: one of an authority, or a self-signed one that
       * the server knows.
       * @see https://www.rfc-editor.org/rfc/rfc8705#section-2
       */
      readonly tokenEndpointAuthMethod: "tls_client_auth" | "self_signed_tls_client_auth";
      readonly transport: Transport & { readonly clientCertificate: ClientCertificate };
      readonly clientSecret?: undefined;
    }
  | {
      /** A public client: only `client_id` is sent. */
      readonly tokenEndpointAuthMethod: "none";
      readonly clientSecret?: never;
    };

/**
 * An assertion signed with a private key: with the client's own, new for each request; or made by
 * somebody else, such as a cluster for its workloads.
 * @see https://www.rfc-editor.org/rfc/rfc7523#section-2.2
 */
export type PrivateKeyJwtAuthentication =
  | {
      readonly tokenEndpointAuthMethod: "private_key_jwt";
      readonly clientPrivateKey: PrivateKeySource;
      /** The `kid` by which the server finds the public key. Default: that of a JWK. */
      readonly clientPrivateKeyId?: string | undefined;
      /** Default: what the key is for, such as RS256 for RSA and ES256 for EC on P-256. */
      readonly clientAssertionAlgorithm?: PrivateKeyAlgorithm | undefined;
      readonly clientAssertionAudience?: AssertionAudience | undefined;
      readonly clientAssertion?: undefined;
      readonly clientAssertionFile?: undefined;
    }
  | {
      readonly tokenEndpointAuthMethod: "private_key_jwt";
      /** Returns the assertion that is good now; asked for every token request. */
      readonly clientAssertion: () => string | Promise<string>;
      readonly clientAssertionFile?: undefined;
      readonly clientPrivateKey?: undefined;
    }
  | {
      readonly tokenEndpointAuthMethod: "private_key_jwt";
      /** Path of a file with the assertion that is good now; read for every token request. */
      readonly clientAssertionFile: string;
      readonly clientAssertion?: undefined;
      readonly clientPrivateKey?: undefined;
    };

/** Where tokens come from: a token endpoint, or an issuer that says where its is. */
export type TokenEndpointFields =
  | {
      /** The token endpoint: https, or http on loopback. */
      readonly tokenUrl: string;
      readonly issuer?: undefined;
      readonly allowedTokenEndpointOrigins?: undefined;
    }
  | {
      /**
       * Who issues the tokens, exactly as its metadata writes it: https, or http on loopback. The token
       * endpoint is found there, with the first token request.
       * @see https://www.rfc-editor.org/rfc/rfc8414#section-3
       * @see https://openid.net/specs/openid-connect-discovery-1_0.html
       */
      readonly issuer: string;
      /** Origins besides the issuer's own that its token endpoint may be on. Default: none. */
      readonly allowedTokenEndpointOrigins?: readonly string[] | undefined;
      readonly tokenUrl?: undefined;
    };

/** What every OAuth 2.0 endpoint has, whatever its grant. */
export interface OAuth2Fields extends CommonFields {
  readonly type?: "oauth2" | undefined;
  readonly clientId: string;
  /** Scopes asked for: `"a b"` or `["a", "b"]`. */
  readonly scope?: string | readonly string[] | undefined;
  /** The `audience` parameter that some authorization servers want; a list is sent as repeated parameters. */
  readonly audience?: string | readonly string[] | undefined;
  /**
   * Where the token will be used; a list is sent as repeated parameters.
   * @see https://www.rfc-editor.org/rfc/rfc8707#section-2
   */
  readonly resource?: string | readonly string[] | undefined;
  /** Anything else the token endpoint wants in the request's body; a list is sent as repeated parameters. */
  readonly customParameters?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** Headers for the token request. */
  readonly customHeaders?: Readonly<Record<string, string>> | undefined;
  /** Life of a token whose answer doesn't tell it and that is no JWT, in milliseconds. Default: 300 000. */
  readonly defaultLifetimeMs?: number | undefined;
  /**
   * A token isn't sent in the last so many milliseconds of its life. Default: a tenth of its life,
   * at most 30 000. Never more than half of its life.
   */
  readonly expirySkewMs?: number | undefined;
  /**
   * After which share of its life a token is renewed in the background, while it is still sent; or
   * false, to renew it when it is needed and over. Default: 0.8, or the instance's `refreshAhead`.
   */
  readonly refreshAhead?: number | false | undefined;
  /** Deadline of a whole token request, retries included, in milliseconds. Default: 10 000. */
  readonly tokenRequestTimeoutMs?: number | undefined;
  /** Deadline of one attempt, in milliseconds. Default: 5 000. */
  readonly tokenRequestAttemptTimeoutMs?: number | undefined;
  /** How often a token request is tried again on network trouble, 429 and 5xx. Default: 2. */
  readonly tokenRequestRetries?: number | undefined;
  /**
   * After a failed token request the same error comes at once, without a request, for so many
   * milliseconds, doubling to 30 s (longer where credentials were refused, so that no account is
   * locked). 0 turns that off. A `Retry-After` of the token endpoint is obeyed in any case, for 15
   * minutes at most. Default: 1 000.
   */
  readonly coolDownMs?: number | undefined;
  /** How many tokens that a backend refuses are replaced within `forcedRenewalWindowMs`. Default: 5. */
  readonly maxForcedRenewals?: number | undefined;
  /**
   * Statuses of the backend by which it refuses a token: a wrapper renews it and sends the request
   * once more. Whatever the status, a challenge that says `insufficient_scope` renews nothing, and an
   * empty list turns it off. From 400 to 599. Default: `[401]`.
   * @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1
   */
  readonly retryStatuses?: readonly number[] | undefined;
  /**
   * A token that is younger than so many milliseconds when it is refused is first sent once more as
   * it is, after a quarter of a second: the backend's other replicas may know of it already.
   * Default: 0, which turns it off.
   */
  readonly retryFreshTokenMs?: number | undefined;
  /** In milliseconds. Default: 60 000. */
  readonly forcedRenewalWindowMs?: number | undefined;
  /**
   * Binds tokens to a key, so that whoever steals one can't use it (DPoP): `true` for a key of this
   * process, whose tokens no other process shares; or a private key of your own, for tokens that a
   * fleet with the same key shares. Default: false. The wrappers send the proof; without one call
   * `getAuthHeaders(endpoint, { request: { method, url } })` for each request.
   * @see https://www.rfc-editor.org/rfc/rfc9449
   */
  readonly dpop?: boolean | PrivateKey | undefined;
  /** Lets `tokenUrl` and `issuer` be http on a machine other than this one. Default: false. */
  readonly allowInsecureRequests?: boolean | undefined;
}

/**
 * The service acts on its own behalf.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.4
 */
export interface ClientCredentialsFields {
  readonly grantType: "client_credentials";
  readonly username?: undefined;
  readonly password?: undefined;
}

/**
 * The service acts with a user's name and password.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.3
 */
export interface PasswordFields {
  readonly grantType: "password";
  readonly username: Secret;
  readonly password: Secret;
}

/**
 * The service acts for whom an assertion names.
 * @see https://www.rfc-editor.org/rfc/rfc7523#section-2.1
 */
export type JwtBearerFields = {
  readonly grantType: "urn:ietf:params:oauth:grant-type:jwt-bearer";
} & (GivenAssertionFields | SignedAssertionFields);

export interface GivenAssertionFields {
  /**
   * The assertion, or a function that returns it. Each stands for a token of its own; one that is made
   * anew at every call has its token renewed at every call that needs one, so sign it here instead.
   */
  readonly assertion: Secret;
  readonly assertionPrivateKey?: undefined;
}

/** An assertion that is signed here, new for each token request. */
export interface SignedAssertionFields {
  readonly assertion?: undefined;
  readonly assertionPrivateKey: PrivateKeySource;
  /** The `kid` by which the server finds the public key. Default: that of a JWK. */
  readonly assertionPrivateKeyId?: string | undefined;
  /** Default: what the key is for, such as RS256 for RSA and ES256 for EC on P-256. */
  readonly assertionAlgorithm?: PrivateKeyAlgorithm | undefined;
  /** Its `iss`. Default: `clientId`. */
  readonly assertionIssuer?: string | undefined;
  /** Its `sub`, for whom the service acts. Default: the issuer. */
  readonly assertionSubject?: string | undefined;
  readonly assertionAudience?: AssertionAudience | undefined;
  /** In milliseconds. Default: 60 000. */
  readonly assertionLifetimeMs?: number | undefined;
  /** Any further claims, such as `scope`. */
  readonly assertionClaims?: Readonly<Record<string, unknown>> | undefined;
}

/** @see https://www.rfc-editor.org/rfc/rfc8693#section-3 */
export type TokenTypeIdentifier =
  | "urn:ietf:params:oauth:token-type:access_token"
  | "urn:ietf:params:oauth:token-type:refresh_token"
  | "urn:ietf:params:oauth:token-type:id_token"
  | "urn:ietf:params:oauth:token-type:saml1"
  | "urn:ietf:params:oauth:token-type:saml2"
  | "urn:ietf:params:oauth:token-type:jwt"
  | (string & {});

/**
 * The service gets another token for one that it has: for a caller's, say, to act on its behalf.
 * @see https://www.rfc-editor.org/rfc/rfc8693#section-2.1
 */
export type TokenExchangeFields = {
  readonly grantType: "urn:ietf:params:oauth:grant-type:token-exchange";
  /** Stands for whom the new token will be. */
  readonly subjectToken: Secret;
  /** Default: `urn:ietf:params:oauth:token-type:access_token`. */
  readonly subjectTokenType?: TokenTypeIdentifier | undefined;
  /** What the new token is to be. Default: the server's choice. */
  readonly requestedTokenType?: TokenTypeIdentifier | undefined;
} & (
  | {
      /** Stands for who acts on the subject's behalf. */
      readonly actorToken: Secret;
      /** Default: `urn:ietf:params:oauth:token-type:access_token`. */
      readonly actorTokenType?: TokenTypeIdentifier | undefined;
    }
  | { readonly actorToken?: undefined; readonly actorTokenType?: undefined }
);

/** A backend protected by OAuth 2.0. */
export type OAuth2EndpointConfig = OAuth2Fields &
  TokenEndpointFields &
  ClientAuthentication &
  (ClientCredentialsFields | PasswordFields | JwtBearerFields | TokenExchangeFields);

/**
 * A backend protected by HTTP Basic authentication. User name and password are sent as UTF-8.
 * @see https://www.rfc-editor.org/rfc/rfc7617
 */
export interface BasicEndpointConfig extends CommonFields {
  readonly type: "basic";
  readonly username: Secret;
  readonly password: Secret;
}

/**
 * A backend protected by HTTP Digest authentication. Algorithm, `qop` and the rest are as its
 * challenge asks. The wrappers send the first request without credentials, to be asked for them.
 * @see https://www.rfc-editor.org/rfc/rfc7616
 */
export interface DigestEndpointConfig extends CommonFields {
  readonly type: "digest";
  readonly username: Secret;
  readonly password: Secret;
}

/** A backend that wants an API key in a header. */
export interface ApiKeyEndpointConfig extends CommonFields {
  readonly type: "api_key";
  /** Name of the header, such as `X-API-Key`. */
  readonly headerName: string;
  /** The header's value. */
  readonly apiKey: Secret;
}

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

/** A strategy's own fields: what its schema takes, else what its `parameters` reads. */
type OwnFields<Strategy> = Strategy extends { readonly schema: StandardSchemaV1<infer Input> }
  ? Input
  : Strategy extends { parameters(fields: infer Fields): unknown }
    ? Strategy extends { readonly credentials: infer Credentials }
      ? Omit<Fields, keyof Credentials>
      : Fields
    : never;

type CustomGrantConfig<Strategy> = Strategy extends GrantStrategy
  ? OAuth2Fields &
      TokenEndpointFields &
      ClientAuthentication & { readonly grantType: Strategy["grantType"] } & OwnFields<Strategy> &
      (Strategy extends { readonly credentials: infer Credentials }
        ? CredentialFields<Credentials>
        : unknown)
  : never;

/**
 * The configuration of a protected backend: plain data, told apart by `type` (default `"oauth2"`)
 * and `grantType`. It may be changed in place, or made anew on each call.
 */
export type EndpointConfig<Strategy = never> =
  | OAuth2EndpointConfig
  | BasicEndpointConfig
  | DigestEndpointConfig
  | ApiKeyEndpointConfig
  | CustomGrantConfig<Strategy>;
