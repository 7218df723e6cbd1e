import type { AssertionAudience } from "../credentials/assertion-audience.ts";
import type { ClientCertificate } from "../credentials/client-certificate.ts";
import type { PrivateKeySource } from "../credentials/private-key.ts";
import type { ClientSecret } from "../credentials/secrets.ts";
import type { PrivateKeyAlgorithm, SecretAlgorithm } from "../credentials/signature-algorithms.ts";
import type { Transport } from "./transport-fields.ts";

// For the names and the order of the members see endpoint-config.ts.

/** The secret of a client: declared once, so that editors show what it is. */
export interface ClientSecretField {
  /**
   * The client's secret: a string, or a function that returns it and may be async; or a list of two while
   * the secret is rotated, the new one first.
   * @example () => vault.read("orders")
   */
  readonly clientSecret: ClientSecret;
}

/** An assertion from a file that somebody else keeps up to date, such as a Kubernetes cluster. */
export interface AssertionFileAuthentication {
  /** How the client proves its identity to the token endpoint: an assertion (JWT). */
  readonly tokenEndpointAuthMethod: "private_key_jwt";
  /**
   * Path of a file with the current assertion; it is read for every token request.
   * @example "/var/run/secrets/tokens/idp"
   */
  readonly clientAssertionFile: string;
  /** Belongs to another `tokenEndpointAuthMethod`. */
  readonly clientAssertion?: undefined;
  /** Belongs to another `tokenEndpointAuthMethod`. */
  readonly clientPrivateKey?: undefined;
  /** Belongs to another `tokenEndpointAuthMethod`. */
  readonly clientSecret?: undefined;
}

/** An assertion from a function, such as a key management service. */
export interface AssertionFunctionAuthentication {
  /** How the client proves its identity to the token endpoint: an assertion (JWT). */
  readonly tokenEndpointAuthMethod: "private_key_jwt";
  /** Returns the current assertion; it is called for every token request. */
  readonly clientAssertion: () => string | Promise<string>;
  /** Belongs to another `tokenEndpointAuthMethod`. */
  readonly clientAssertionFile?: undefined;
  /** Belongs to another `tokenEndpointAuthMethod`. */
  readonly clientPrivateKey?: undefined;
  /** Belongs to another `tokenEndpointAuthMethod`. */
  readonly clientSecret?: undefined;
}

/**
 * A certificate that the client presents in TLS: one that an authority issued, or a self-signed one that
 * the authorization server knows.
 * @see https://www.rfc-editor.org/rfc/rfc8705#section-2
 */
export interface CertificateAuthentication {
  /** How the client proves its identity to the token endpoint: its certificate. */
  readonly tokenEndpointAuthMethod: "tls_client_auth" | "self_signed_tls_client_auth";
  /** Has the client's certificate, besides how requests are sent. */
  readonly transport: Transport & { readonly clientCertificate: ClientCertificate };
  /** Belongs to another `tokenEndpointAuthMethod`. */
  readonly clientSecret?: undefined;
}

/**
 * An assertion signed with the client's secret, a new one for each request.
 * @see https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication
 */
export interface JwtBySecretAuthentication extends ClientSecretField {
  /** How the client proves its identity to the token endpoint: an assertion (JWT) signed with its secret. */
  readonly tokenEndpointAuthMethod: "client_secret_jwt";
  /**
   * How the assertion is signed.
   * @default "HS256"
   */
  readonly clientAssertionAlgorithm?: SecretAlgorithm | undefined;
  /** The assertion's `aud`. */
  readonly clientAssertionAudience?: AssertionAudience | undefined;
}

/**
 * The client's secret in the request's body.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
 */
export interface PostedSecretAuthentication extends ClientSecretField {
  /** How the client proves its identity to the token endpoint: its secret, in the body of the request. */
  readonly tokenEndpointAuthMethod: "client_secret_post";
}

/**
 * An assertion signed with the client's private key, a new one for each request.
 * @see https://www.rfc-editor.org/rfc/rfc7523#section-2.2
 */
export interface PrivateKeyAuthentication {
  /** How the client proves its identity to the token endpoint: an assertion (JWT). */
  readonly tokenEndpointAuthMethod: "private_key_jwt";
  /** The client's private key, or a function that returns it. */
  readonly clientPrivateKey: PrivateKeySource;
  /**
   * The `kid` by which the authorization server finds the public key.
   * @default the `kid` of a JWK
   */
  readonly clientPrivateKeyId?: string | undefined;
  /**
   * How the assertion is signed.
   * @default what the key is for, such as RS256 for RSA and ES256 for EC on P-256
   */
  readonly clientAssertionAlgorithm?: PrivateKeyAlgorithm | undefined;
  /** The assertion's `aud`. */
  readonly clientAssertionAudience?: AssertionAudience | undefined;
  /** Belongs to another `tokenEndpointAuthMethod`. */
  readonly clientAssertion?: undefined;
  /** Belongs to another `tokenEndpointAuthMethod`. */
  readonly clientAssertionFile?: undefined;
  /** Belongs to another `tokenEndpointAuthMethod`. */
  readonly clientSecret?: undefined;
}

/**
 * A public client: only `client_id` is sent.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-2.1
 */
export interface PublicClientAuthentication {
  /** How the client proves its identity to the token endpoint: nothing: a public client. */
  readonly tokenEndpointAuthMethod: "none";
  /** Belongs to another `tokenEndpointAuthMethod`. */
  readonly clientSecret?: undefined;
}

/**
 * The client's id and secret in the `Authorization` header.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
 */
export interface SecretAuthentication extends ClientSecretField {
  /**
   * How the client proves its identity to the token endpoint.
   * @default "client_secret_basic"
   */
  readonly tokenEndpointAuthMethod?: "client_secret_basic" | undefined;
  /**
   * How client id and secret are written into the Basic header: `"form"` encodes them as RFC 6749 §2.3.1
   * asks (letters, digits and `-._~` stay as they are); `"raw"` is for servers that don't decode.
   * @default "form"
   */
  readonly clientSecretBasicEncoding?: "form" | "raw" | undefined;
  /** Belongs to another `tokenEndpointAuthMethod`. */
  readonly clientAssertionAlgorithm?: undefined;
  /** Belongs to another `tokenEndpointAuthMethod`. */
  readonly clientAssertionAudience?: undefined;
}

/**
 * How the client proves its identity to the token endpoint.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-2.3
 */
export type ClientAuthentication =
  | AssertionFileAuthentication
  | AssertionFunctionAuthentication
  | CertificateAuthentication
  | JwtBySecretAuthentication
  | PostedSecretAuthentication
  | PrivateKeyAuthentication
  | PublicClientAuthentication
  | SecretAuthentication;

/** The methods that prove the client's identity by a JWT (`private_key_jwt`). */
export type PrivateKeyJwtAuthentication =
  | AssertionFileAuthentication
  | AssertionFunctionAuthentication
  | PrivateKeyAuthentication;
