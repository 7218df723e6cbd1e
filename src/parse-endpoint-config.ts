import { ConfigSnapshot } from "./configuration/config-snapshot.ts";
import type { EndpointConfig } from "./configuration/endpoint-config.ts";
import type { GrantStrategy } from "./configuration/grant-strategy.ts";
import { checkIsObject, EndpointParser } from "./configuration/parse-endpoint.ts";
import { grantRegistry } from "./grants/registry.ts";
import { readOptions } from "./options.ts";

/** Options of {@link parseEndpointConfig}. */
export interface ParseOptions<Grants extends readonly GrantStrategy[] = []> {
  /** Your own grant strategies: the same as those of `new EndpointSecurity({ grants })`. */
  readonly grants?: Grants | undefined;
}

/**
 * Checks a configuration from JSON, a file or a database, as {@link EndpointSecurity} itself does.
 * @returns the same object, with its type.
 * @throws ConfigurationError with every problem: its path, what is wrong, and how to fix it.
 * @example
 * ```ts
 * const orders = parseEndpointConfig(JSON.parse(await readFile("orders.json", "utf8")));
 * await security.getAuthHeader(orders);
 * ```
 */
export function parseEndpointConfig<const Grants extends readonly GrantStrategy[] = []>(
  value: unknown,
  options: ParseOptions<Grants> = {},
): EndpointConfig<Grants[number]> {
  checkIsObject(value);
  const { renewal, tokenRequest, transport } = readOptions({});
  const parser = new EndpointParser(grantRegistry(options.grants ?? []), {
    renewal,
    tokenRequest,
    transport,
  });
  parser.parse(new ConfigSnapshot(value).restored());
  return value as EndpointConfig<Grants[number]>;
}
