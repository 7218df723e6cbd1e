import { ConfigSnapshot } from "../../src/configuration/config-snapshot.ts";
import type { OwnGrantStrategy } from "../../src/configuration/grant-strategy.ts";
import type { RenewalOptions } from "../../src/configuration/oauth2-config.ts";
import { filled } from "../../src/configuration/option-table.ts";
import { EndpointParser } from "../../src/configuration/parse-endpoint.ts";
import type { OAuth2Endpoint, ParsedEndpoint } from "../../src/configuration/parsed-endpoint.ts";
import { renewalOptions } from "../../src/configuration/renewal-options.ts";
import { tokenRequestOptions } from "../../src/configuration/token-request-options.ts";
import { grantRegistry } from "../../src/grants/registry.ts";

interface Instance {
  readonly grants?: ReadonlyMap<string, OwnGrantStrategy>;
  readonly renewal?: RenewalOptions;
}

/** A configuration, parsed as an instance with these grants and defaults parses it. */
export function parsed(
  config: object,
  { grants = grantRegistry([]), renewal }: Instance = {},
): ParsedEndpoint {
  const defaults = {
    tokenRequest: filled(tokenRequestOptions, undefined),
    renewal: filled(renewalOptions, renewal),
    transport: undefined,
  };
  return new EndpointParser(grants, defaults).parse(new ConfigSnapshot(config).restored());
}

export function parsedOAuth2(config: object, instance?: Instance): OAuth2Endpoint {
  const endpoint = parsed(config, instance);
  if (endpoint.type !== "oauth2") throw new Error(`${endpoint.type} is not oauth2`);
  return endpoint;
}
