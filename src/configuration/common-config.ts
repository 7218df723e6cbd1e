import type { Transport } from "./transport-fields.ts";

/** The fields that every type of endpoint has. */
export interface CommonFields {
  /**
   * What errors, events and `explain` call the endpoint.
   * @default its `url` without query, else the URL that its tokens come from
   */
  readonly name?: string | undefined;
  /**
   * The protected backend: an absolute http or https URL without a query. The wrappers resolve relative
   * URLs below it and send credentials nowhere else.
   * @example "https://orders.example.com/v1"
   */
  readonly url?: string | undefined;
  /**
   * How requests to the backend and to the token endpoint are sent: timeouts, proxy, certificates.
   * @default the instance's `transport`, field by field
   */
  readonly transport?: Transport | undefined;
}
