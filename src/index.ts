export type { TokenCache } from "./cache/token-cache.ts";
export type { ChallengeMismatch } from "./challenge-mismatch.ts";
export type { AssertionAudience } from "./endpoint/assertion-audience.ts";
export type {
  ApiKeyEndpointConfig,
  BasicEndpointConfig,
  ClientAuthentication,
  ClientCredentialsFields,
  DigestEndpointConfig,
  EndpointConfig,
  GivenAssertionFields,
  JwtBearerFields,
  OAuth2EndpointConfig,
  OAuth2Fields,
  PasswordFields,
  PrivateKeyJwtAuthentication,
  SignedAssertionFields,
  TokenEndpointFields,
  TokenExchangeFields,
  TokenTypeIdentifier,
} from "./endpoint/config.ts";
export {
  defineGrant,
  type GrantParameters,
  type GrantStrategy,
} from "./endpoint/grant-strategy.ts";
export type {
  KeyInstance,
  PrivateJwk,
  PrivateKey,
  PrivateKeySource,
} from "./endpoint/private-key.ts";
export type { ClientSecret, Secret } from "./endpoint/secrets.ts";
export type { PrivateKeyAlgorithm, SecretAlgorithm } from "./endpoint/signature-algorithms.ts";
export type { ClientCertificate, Transport } from "./endpoint/transport-fields.ts";
export { type CallOptions, EndpointSecurity, type HeadersOptions } from "./endpoint-security.ts";
export {
  type AnyEndpointSecurityError,
  ClosedError,
  ConfigurationError,
  type ConfigurationProblem,
  DestinationRefusedError,
  DigestUnavailableError,
  type DigestUnavailableReason,
  EndpointSecurityError,
  InvalidTokenResponseError,
  isEndpointSecurityError,
  SecretUnavailableError,
  TokenEndpointUnavailableError,
  TokenExpiredOnArrivalError,
  TokenRejectedError,
  TokenRequestRefusedError,
  type UnavailableReason,
} from "./errors.ts";
export type { EndpointSecurityEvents, EventName, Listener } from "./events.ts";
export type { Explanation } from "./explanation.ts";
export type { RequestLine } from "./http/authenticator.ts";
export type { Fetch } from "./http/fetch-types.ts";
export type { EndpointSecurityOptions } from "./options.ts";
export type { TokenSet } from "./tokens/token-set.ts";
