import type { GivenAssertion } from "./given-assertion.ts";
import type { OwnGrantStrategy } from "./grant-strategy.ts";
import type { PrivateKey, SigningKey } from "./private-key.ts";
import type { ResolvedTransport } from "./resolved-transport.ts";

/** Settings of a token endpoint, after validation. */
export interface OAuth2Settings {
  readonly tokenUrl: string;
  readonly clientId: string;
  /** Who issues the tokens, where that was told: then `tokenUrl` is discovered. */
  readonly issuer?: string;
  readonly allowedTokenEndpointOrigins?: readonly string[];
  readonly allowInsecureRequests?: boolean;
  readonly tokenEndpointAuthMethod?:
    | "client_secret_basic"
    | "client_secret_post"
    | "client_secret_jwt"
    | "private_key_jwt"
    | "tls_client_auth"
    | "self_signed_tls_client_auth"
    | "none";
  readonly clientAssertionAlgorithm?: string;
  readonly clientAssertionAudience?: string;
  readonly clientSecretBasicEncoding?: "form" | "raw";
  readonly grantType: string;
  readonly dpop?: boolean | PrivateKey;
  readonly scope?: string | readonly string[];
  readonly audience?: string | readonly string[];
  readonly resource?: string | readonly string[];
  readonly customParameters?: Readonly<Record<string, string | readonly string[]>>;
  readonly customHeaders?: Readonly<Record<string, string>>;
  readonly defaultLifetimeMs?: number;
  readonly expirySkewMs?: number;
  readonly tokenRequestTimeoutMs?: number;
  readonly tokenRequestAttemptTimeoutMs?: number;
  readonly tokenRequestRetries?: number;
  readonly coolDownMs?: number;
  readonly refreshAhead?: number | false | undefined;
  readonly maxForcedRenewals?: number;
  readonly forcedRenewalWindowMs?: number;
  readonly retryStatuses?: readonly number[];
  readonly retryFreshTokenMs?: number;
}

/**
 * An OAuth 2.0 endpoint as everything below the facade sees it: valid, its credentials read, and
 * known by the one identity that cache, lease and single flight share.
 */
export interface ResolvedEndpoint {
  readonly identity: string;
  /** What messages call it. */
  readonly label: string;
  readonly settings: OAuth2Settings;
  readonly strategy: OwnGrantStrategy;
  /** The strategy's own fields, as its schema left them. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Values of the credential fields, by their names. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Private keys, by the names of their fields. */
  readonly keys: Readonly<Record<string, SigningKey>>;
  /** What proves the client's identity in place of a secret or key of its own. */
  readonly givenAssertion: GivenAssertion | undefined;
  /** How its requests travel, where that was said. */
  readonly transport: ResolvedTransport | undefined;
}
