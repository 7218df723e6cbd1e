import type { GivenFields } from "../configuration/field-table.ts";
import type { OwnGrantStrategy } from "../configuration/grant-strategy.ts";
import type { OAuth2Endpoint } from "../configuration/parsed-endpoint.ts";
import type { ExternalAssertion } from "../credentials/external-assertion.ts";
import type { SigningKey } from "../credentials/private-key.ts";
import type { ResolvedTransport } from "./resolved-transport.ts";

/**
 * An OAuth 2.0 endpoint with its credentials read, known by the one identity that cache, lease and
 * single flight share.
 */
export interface ResolvedEndpoint {
  readonly identity: string;
  /** What messages call it. */
  readonly label: string;
  readonly settings: OAuth2Endpoint;
  /** The token endpoint. Until it is discovered, the issuer stands for it. */
  readonly tokenUrl: string;
  readonly strategy: OwnGrantStrategy;
  /** The strategy's own fields, as its schema left them. */
  readonly fields: GivenFields;
  /** Values of the credential fields, by their names. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Private keys, by the names of their fields. */
  readonly keys: Readonly<Record<string, SigningKey>>;
  /** What proves the client's identity instead of a secret or key of its own. */
  readonly externalAssertion: ExternalAssertion | undefined;
  /** How its requests travel, where that is configured. */
  readonly transport: ResolvedTransport | undefined;
}
