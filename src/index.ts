export type { CacheExplanation } from "./cache/cache-explanation.ts";
export type { Leases, TokenCache } from "./cache/token-cache.ts";
export type { CallOptions, HeadersOptions } from "./call-options.ts";
export type { ChallengeMismatch } from "./challenge-mismatch.ts";
export type { Clock } from "./clock.ts";
export type {
  AssertionFileAuthentication,
  AssertionFunctionAuthentication,
  CertificateAuthentication,
  ClientAuthentication,
  ClientSecretField,
  JwtBySecretAuthentication,
  PostedSecretAuthentication,
  PrivateKeyAuthentication,
  PrivateKeyJwtAuthentication,
  PublicClientAuthentication,
  SecretAuthentication,
} from "./configuration/client-authentication-config.ts";
export type { CommonFields } from "./configuration/common-config.ts";
export type { CustomGrantConfig } from "./configuration/custom-grant-config.ts";
export type {
  ApiKeyEndpointConfig,
  ApiKeyInQueryConfig,
  ApiKeyWithHeaderConfig,
  BackendConfig,
  BasicEndpointConfig,
  BearerEndpointConfig,
  DigestEndpointConfig,
  EndpointConfig,
  EndpointType,
} from "./configuration/endpoint-config.ts";
export type {
  ForUserByAssertion,
  ForUserByDelegation,
  ForUserByPassword,
  ForUserBySignedAssertion,
  ForUserByTokenExchange,
  GrantConfig,
  TokenTypeIdentifier,
  WithClientCredentials,
} from "./configuration/grant-config.ts";
export {
  defineGrant,
  type GrantParameters,
  type GrantStrategy,
} from "./configuration/grant-strategy.ts";
export type {
  IssuerFields,
  OAuth2EndpointConfig,
  OAuth2Fields,
  RenewalOptions,
  TokenEndpointFields,
  TokenRequestOptions,
  TokenUrlFields,
} from "./configuration/oauth2-config.ts";
export type { Transport } from "./configuration/transport-fields.ts";
export type { Variables } from "./configuration/variables.ts";
export type { AssertionAudience } from "./credentials/assertion-audience.ts";
export type { ClientCertificate } from "./credentials/client-certificate.ts";
export type {
  KeyInstance,
  PrivateJwk,
  PrivateKey,
  PrivateKeySource,
} from "./credentials/private-key.ts";
export type { ClientSecret, Secret } from "./credentials/secrets.ts";
export type { PrivateKeyAlgorithm, SecretAlgorithm } from "./credentials/signature-algorithms.ts";
export { EndpointSecurity } from "./endpoint-security.ts";
export type { EndpointState } from "./endpoint-state.ts";
export {
  type AnyEndpointSecurityError,
  ClosedError,
  ConfigurationError,
  type ConfigurationProblem,
  DestinationRefusedError,
  DigestUnavailableError,
  type DigestUnavailableReason,
  EndpointSecurityError,
  GrantFailedError,
  InvalidTokenResponseError,
  isEndpointSecurityError,
  type NotReplayedReason,
  SecretUnavailableError,
  TokenEndpointUnavailableError,
  TokenExpiredOnArrivalError,
  TokenRejectedError,
  type TokenRejectedReason,
  TokenRequestRejectedError,
  type UnavailableReason,
} from "./errors.ts";
export type { AnyListener, EndpointSecurityEvents, EventName, Listener } from "./events.ts";
export type { Explanation } from "./explanation.ts";
export type { RequestLine } from "./http/authenticator.ts";
export type { Fetch } from "./http/fetch-types.ts";
export type { EndpointSecurityOptions } from "./options.ts";
export {
  type ParseOptions,
  parseEndpointConfig,
  parseEndpointConfigs,
} from "./parse-endpoint-config.ts";
export type { TokenOrigin } from "./tokens/token-data.ts";
export type { TokenSet } from "./tokens/token-set.ts";
export type { TransportExplanation } from "./transport-explanation.ts";
