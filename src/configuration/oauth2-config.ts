import type { PrivateKey } from "../credentials/private-key.ts";
import type { ClientAuthentication } from "./client-authentication-config.ts";
import type { CommonFields } from "./common-config.ts";
import type { GrantConfig } from "./grant-config.ts";

/** How a token request is sent and retried. */
export interface TokenRequestOptions {
  /**
   * Deadline of a whole token request, retries included, in milliseconds.
   * @default 10_000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Deadline of one attempt, in milliseconds.
   * @default 5_000
   */
  readonly attemptTimeoutMs?: number | undefined;
  /**
   * How many times a token request is retried after a network error, 408, 425, 429 or 5xx.
   * @default 2
   */
  readonly retries?: number | undefined;
  /**
   * How long a failed token request's error is returned without contacting the token endpoint, in
   * milliseconds. After this time one request probes an unavailable token endpoint, for as long as the
   * outage lasts. Rejections double it, to 30 s; rejected credentials start at 10 s and double to 5 min, so
   * that no account gets locked. `0` turns it off. A `Retry-After` is obeyed in any case, up to 15 min.
   * @default 1_000
   */
  readonly coolDownMs?: number | undefined;
  /**
   * While the token endpoint is unavailable, wait for the next attempt and its result instead of failing at
   * once with the remembered error: for at most `timeoutMs`, and for at most `retries` attempts.
   * @default false
   */
  readonly waitInCoolDown?: boolean | undefined;
  /**
   * Additional headers of the token request.
   * @example { "X-Tenant": "acme" }
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** When a token is renewed, and how often. */
export interface RenewalOptions {
  /**
   * The share of a token's lifetime after which it is renewed in the background while it is still
   * sent: a number in (0, 1], or `false` to renew it only when it has expired.
   * @default 0.8
   */
  readonly refreshAhead?: number | false | undefined;
  /**
   * A token isn't sent in the last milliseconds of its lifetime, this many: it could expire on the way.
   * Never more than half of the lifetime.
   * @default a tenth of the token's lifetime, at most 30_000
   */
  readonly expirySkewMs?: number | undefined;
  /**
   * Lifetime of a token, in milliseconds, when the token response doesn't say it and the token is not
   * a JWT with `exp`.
   * @default 300_000
   */
  readonly defaultLifetimeMs?: number | undefined;
  /**
   * The age, in milliseconds, at which a token is renewed whatever its `expires_in` says: some servers
   * report milliseconds, or years. The token may still be sent until its successor is there.
   * @default 86_400_000 (24 hours)
   */
  readonly maxLifetimeMs?: number | undefined;
  /**
   * Statuses by which the backend rejects a token: a wrapper renews the token and replays the request.
   * A challenge that says `insufficient_scope` never renews; an empty list turns renewal off. 400 to 599.
   * @default [401]
   * @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1
   */
  readonly rejectionStatuses?: readonly number[] | undefined;
  /**
   * How many rejected tokens are replaced within `forcedRenewalWindowMs`.
   * @default 5
   */
  readonly maxForcedRenewals?: number | undefined;
  /**
   * The window of `maxForcedRenewals`, in milliseconds.
   * @default 60_000
   */
  readonly forcedRenewalWindowMs?: number | undefined;
  /**
   * When a token that is younger than this, in milliseconds, is rejected, a wrapper first replays the
   * request with the same token after a quarter of a second: other replicas of the backend may not know
   * the token yet. `0` turns it off.
   * @default 0
   */
  readonly freshTokenRetryWindowMs?: number | undefined;
}

/** A token endpoint that is discovered from the issuer's metadata. */
export interface IssuerFields {
  /**
   * The authorization server's issuer identifier, exactly as its metadata writes it: https, or http on
   * loopback. The token endpoint is discovered with the first token request.
   * @example "https://idp.example.com"
   * @see https://www.rfc-editor.org/rfc/rfc8414#section-3
   * @see https://openid.net/specs/openid-connect-discovery-1_0.html
   */
  readonly issuer: string;
  /**
   * Origins besides the issuer's own that its token endpoint may be on.
   * @default []
   */
  readonly allowedTokenEndpointOrigins?: readonly string[] | undefined;
  /** Discovered from `issuer`. */
  readonly tokenUrl?: undefined;
}

/** A token endpoint that is known. */
export interface TokenUrlFields {
  /**
   * The token endpoint: https, or http on loopback.
   * @example "https://idp.example.com/oauth2/token"
   */
  readonly tokenUrl: string;
  /** Not needed where `tokenUrl` is known. */
  readonly issuer?: undefined;
}

/** Where tokens come from: an issuer whose metadata names the token endpoint, or the token endpoint. */
export type TokenEndpointFields = IssuerFields | TokenUrlFields;

/** The fields that every OAuth 2.0 endpoint has, whatever its grant and client authentication. */
export interface OAuth2Fields extends CommonFields {
  /**
   * The kind of endpoint: OAuth 2.0.
   * @default "oauth2"
   */
  readonly type?: "oauth2" | undefined;
  /**
   * The client identifier that the authorization server issued.
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-2.2
   */
  readonly clientId: string;
  /**
   * The scopes that are requested, space-separated or as a list; their order doesn't matter.
   * @example "orders:read orders:write"
   * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.3
   */
  readonly scope?: string | readonly string[] | undefined;
  /**
   * The `audience` parameter that some authorization servers want; a list is sent as repeated parameters.
   * @example "https://orders.example.com"
   */
  readonly audience?: string | readonly string[] | undefined;
  /**
   * The `resource` parameter: where the token will be used. A list is sent as repeated parameters.
   * @see https://www.rfc-editor.org/rfc/rfc8707#section-2
   */
  readonly resource?: string | readonly string[] | undefined;
  /**
   * Anything else that the token endpoint wants in the request's body; a list is sent as repeated parameters.
   * @example { tenant: "acme" }
   */
  readonly customParameters?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** Deadlines, retries and headers of the token request. */
  readonly tokenRequest?: TokenRequestOptions | undefined;
  /** When tokens are renewed, and how often. */
  readonly renewal?: RenewalOptions | undefined;
  /**
   * Binds tokens to a key, so that a stolen token is of no use (DPoP): `true` for a key of this process,
   * whose tokens no other process can share, or a private key, for tokens that all processes with that key
   * share. The wrappers send the proof; without a wrapper call
   * `getAuthHeaders(endpoint, { request: { method, url } })` for each request.
   * @default false
   * @see https://www.rfc-editor.org/rfc/rfc9449
   */
  readonly dpop?: boolean | PrivateKey | undefined;
  /**
   * Name of the header that carries the token to the backend.
   * @default "Authorization"
   * @example "X-Internal-Authorization"
   */
  readonly headerName?: string | undefined;
  /**
   * What stands before the token in that header, with a space between; `""` for nothing.
   * @default the token's type: "Bearer", or "DPoP"
   */
  readonly headerPrefix?: string | undefined;
  /**
   * Allows `tokenUrl` and `issuer` to be http on a machine other than this one.
   * @default false
   */
  readonly allowInsecureRequests?: boolean | undefined;
}

/** A backend protected by OAuth 2.0. */
export type OAuth2EndpointConfig = OAuth2Fields &
  TokenEndpointFields &
  ClientAuthentication &
  GrantConfig;
