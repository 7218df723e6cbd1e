import type { Secret } from "../credentials/secrets.ts";
import type { CommonFields } from "./common-config.ts";
import type { CustomGrantConfig } from "./custom-grant-config.ts";
import type { OAuth2EndpointConfig } from "./oauth2-config.ts";

// The compiler reports a failed union by the member with the most fields in common; among equals
// it names the last one: by declaration up to TypeScript 5.9, by the alphabet from 7 on. So the
// most usual member of each union here is the last in both orders.

/**
 * A backend protected by HTTP Basic authentication. User name and password are sent as UTF-8.
 * @see https://www.rfc-editor.org/rfc/rfc7617
 */
export interface BasicEndpointConfig extends CommonFields {
  /** The kind of endpoint: HTTP Basic authentication. */
  readonly type: "basic";
  /** The user name: a string without a colon, or a function that returns it. */
  readonly username: Secret;
  /** The password: a string, `""` included, or a function that returns it. */
  readonly password: Secret;
  /** Belongs to endpoints of type `"oauth2"`. */
  readonly grantType?: undefined;
}

/**
 * A backend protected by HTTP Digest authentication. Algorithm, `qop` and the rest follow its
 * challenge. The wrappers send the first request without credentials to get that challenge.
 * @see https://www.rfc-editor.org/rfc/rfc7616
 */
export interface DigestEndpointConfig extends CommonFields {
  /** The kind of endpoint: HTTP Digest authentication. */
  readonly type: "digest";
  /** The user name: a string, or a function that returns it. */
  readonly username: Secret;
  /** The password: a string, `""` included, or a function that returns it. */
  readonly password: Secret;
  /** Belongs to endpoints of type `"oauth2"`. */
  readonly grantType?: undefined;
}

/** A backend that takes an API key as a parameter of the URL's query. */
export interface ApiKeyInQueryConfig extends CommonFields {
  /** The kind of endpoint: an API key. */
  readonly type: "api_key";
  /**
   * Name of the query parameter that carries the key. Only the wrappers can send it: URLs get into logs,
   * so prefer `headerName` where the backend takes that.
   * @example "api_key"
   */
  readonly queryParameter: string;
  /** The key: a string, or a function that returns it. */
  readonly apiKey: Secret;
  /** Where the key is in a header instead. */
  readonly headerName?: undefined;
  /** Belongs to endpoints of type `"oauth2"`. */
  readonly grantType?: undefined;
}

/** A backend that takes an API key in a header. */
export interface ApiKeyWithHeaderConfig extends CommonFields {
  /** The kind of endpoint: an API key. */
  readonly type: "api_key";
  /**
   * Name of the header that carries the key.
   * @example "X-API-Key"
   */
  readonly headerName: string;
  /** The key: a string, or a function that returns it. */
  readonly apiKey: Secret;
  /** Where the key is in the query instead. */
  readonly queryParameter?: undefined;
  /** Belongs to endpoints of type `"oauth2"`. */
  readonly grantType?: undefined;
}

/** A backend that takes an API key. */
export type ApiKeyEndpointConfig = ApiKeyInQueryConfig | ApiKeyWithHeaderConfig;

/**
 * A backend that takes a static token, which no token endpoint issues: a personal access token, for
 * example.
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 */
export interface BearerEndpointConfig extends CommonFields {
  /** The kind of endpoint: a static token. */
  readonly type: "bearer";
  /** The token: a string, or a function that returns it and is called for every request. */
  readonly token: Secret;
  /**
   * Name of the header that carries the token.
   * @default "Authorization"
   * @example "X-Auth-Token"
   */
  readonly headerName?: string | undefined;
  /**
   * What stands before the token, with a space between; `""` for nothing.
   * @default "Bearer"
   * @example "token"
   */
  readonly headerPrefix?: string | undefined;
  /** Belongs to endpoints of type `"oauth2"`. */
  readonly grantType?: undefined;
}

/** The kinds of endpoint: the values of `type`. */
export type EndpointType = "oauth2" | "basic" | "digest" | "api_key" | "bearer";

/**
 * The configuration of a protected backend: plain data, told apart by `type` (default `"oauth2"`)
 * and `grantType`. It may be changed in place; a change takes effect with the next call.
 *
 * `satisfies` keeps the literal types that the compiler needs to check it:
 * @example
 * ```ts
 * const orders = {
 *   url: "https://orders.example.com/v1",
 *   grantType: "client_credentials",
 *   tokenUrl: "https://idp.example.com/oauth2/token",
 *   clientId: "checkout",
 *   clientSecret: () => vault.read("orders"),
 * } satisfies EndpointConfig;
 * ```
 */
export type EndpointConfig<Strategy = never> =
  | BearerEndpointConfig
  | BasicEndpointConfig
  | DigestEndpointConfig
  | ApiKeyEndpointConfig
  | CustomGrantConfig<Strategy>
  | OAuth2EndpointConfig;

/**
 * The configuration of a backend that a wrapper can send requests to: an endpoint with its `url`.
 * @example
 * ```ts
 * class OrdersClient {
 *   constructor(security: EndpointSecurity, backend: BackendConfig) {
 *     this.fetch = security.wrapFetch(backend);
 *   }
 * }
 * ```
 */
export type BackendConfig<Strategy = never> = EndpointConfig<Strategy> & { readonly url: string };
