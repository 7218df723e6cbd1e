import { shownUrl } from "../checks/url-checks.ts";
import type { PrivateKeySource } from "../credentials/private-key.ts";
import type { Secret } from "../credentials/secrets.ts";
import type { apiKeyFields } from "./api-key-fields.ts";
import type { basicFields } from "./basic-fields.ts";
import type { bearerFields } from "./bearer-fields.ts";
import type { digestFields } from "./digest-fields.ts";
import type {
  ApiKeyEndpointConfig,
  BasicEndpointConfig,
  BearerEndpointConfig,
  DigestEndpointConfig,
} from "./endpoint-config.ts";
import type { GivenFields, ParsedFields } from "./field-table.ts";
import type { OwnGrantStrategy } from "./grant-strategy.ts";
import type { OAuth2FieldsOfAnyGrant, oauth2Fields } from "./oauth2-fields.ts";
import type { RenewalSettings } from "./renewal-options.ts";
import type { TokenRequestSettings } from "./token-request-options.ts";

/** A private key of the configuration, and how it signs. */
export interface KeySource {
  /** The field that holds it. */
  readonly field: string;
  readonly source: PrivateKeySource;
  readonly algorithm: string | undefined;
  readonly algorithmField: string;
  readonly keyId: string | undefined;
}

/** The grant of an endpoint, with what the configuration says of it. */
export interface ParsedGrant {
  readonly strategy: OwnGrantStrategy;
  /** Whether a user's token comes from a function, which may return another one for each call. */
  readonly isPerCall: boolean;
  /** The strategy's credentials. */
  readonly secrets: Readonly<Record<string, Secret>>;
  /** The strategy's other fields, as they were given. */
  readonly given: GivenFields;
  /** The same as its schema left them. */
  readonly fields: GivenFields;
}

/** How long functions that return a credential may take, for endpoints that request no tokens. */
interface ReadsSecrets {
  readonly secretTimeoutMs: number;
}

/**
 * An OAuth 2.0 endpoint: every field checked, every default filled in. Read the fields by name: a spread
 * leaves out the inherited defaults.
 */
export interface OAuth2Endpoint
  extends Omit<
    ParsedFields<OAuth2FieldsOfAnyGrant, typeof oauth2Fields>,
    "type" | "tokenRequest" | "renewal"
  > {
  readonly type: "oauth2";
  readonly tokenRequest: TokenRequestSettings;
  readonly renewal: RenewalSettings;
  readonly grant: ParsedGrant;
  /** The private keys of the client and of the grant. */
  readonly keys: readonly KeySource[];
}

export type BasicEndpoint = ParsedFields<BasicEndpointConfig, typeof basicFields> & ReadsSecrets;
export type DigestEndpoint = ParsedFields<DigestEndpointConfig, typeof digestFields> & ReadsSecrets;
export type ApiKeyEndpoint = ParsedFields<ApiKeyEndpointConfig, typeof apiKeyFields> & ReadsSecrets;
export type BearerEndpoint = ParsedFields<BearerEndpointConfig, typeof bearerFields> & ReadsSecrets;

/** A configuration that was parsed: frozen, and all that the rest of the library sees of it. */
export type ParsedEndpoint =
  | OAuth2Endpoint
  | BasicEndpoint
  | DigestEndpoint
  | ApiKeyEndpoint
  | BearerEndpoint;

/** What an endpoint is called in errors and events. */
export function labelOf(endpoint: {
  readonly name?: unknown;
  readonly url?: unknown;
  readonly tokenUrl?: unknown;
  readonly issuer?: unknown;
}): string {
  if (typeof endpoint.name === "string" && endpoint.name !== "") return endpoint.name;
  for (const url of [endpoint.url, endpoint.tokenUrl, endpoint.issuer]) {
    if (typeof url === "string" && URL.canParse(url)) return shownUrl(url);
  }
  return "endpoint";
}
