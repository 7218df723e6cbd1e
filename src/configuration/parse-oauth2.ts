import { type Problems, quoted } from "../checks/check.ts";
import { mustBe } from "../checks/kinds.ts";
import { near } from "../checks/unknown-fields.ts";
import { defaultsOf, type GivenFields } from "./field-table.ts";
import type { OwnGrantStrategy } from "./grant-strategy.ts";
import { inheriting } from "./inheriting.ts";
import type { RenewalOptions, TokenRequestOptions } from "./oauth2-config.ts";
import { type OAuth2FieldsOfAnyGrant, oauth2Fields } from "./oauth2-fields.ts";
import { filled } from "./option-table.ts";
import { keysOf, noGivenFields, noKeys, parseGrant } from "./parse-grant.ts";
import type { OAuth2Endpoint } from "./parsed-endpoint.ts";
import { type RenewalSettings, renewalOptions } from "./renewal-options.ts";
import { type TokenRequestSettings, tokenRequestOptions } from "./token-request-options.ts";
import { mergedTransport, type Transport } from "./transport-fields.ts";

/** What an instance sets for the endpoints that don't set it themselves. */
export interface EndpointDefaults {
  readonly tokenRequest: TokenRequestSettings;
  readonly renewal: RenewalSettings;
  readonly transport: Transport | undefined;
}

/** What an OAuth 2.0 endpoint of a grant is before its own fields are known. */
type Template = Omit<OAuth2Endpoint, "clientId">;

/**
 * Parses the OAuth 2.0 endpoints of an instance. An endpoint inherits its defaults from a template
 * that all endpoints of its grant share: copies would double the memory of ten thousand endpoints.
 */
export class OAuth2Parser {
  readonly #grants: ReadonlyMap<string, OwnGrantStrategy>;
  readonly #defaults: EndpointDefaults;
  readonly #templates = new Map<OwnGrantStrategy, Template>();

  constructor(grants: ReadonlyMap<string, OwnGrantStrategy>, defaults: EndpointDefaults) {
    this.#grants = grants;
    this.#defaults = defaults;
  }

  /** @returns undefined where there are problems */
  parse(given: GivenFields, problems: Problems): OAuth2Endpoint | undefined {
    const { grantType } = given;
    const strategy = typeof grantType === "string" ? this.#grants.get(grantType) : undefined;
    if (strategy === undefined) this.#reportUnknown(grantType, problems);
    const grant = parseGrant(given, strategy, problems);
    if (grant === undefined || problems.list.length > 0) return undefined;
    const { tokenRequest, renewal, transport } = this.#defaults;
    const keys = keysOf(given, grant.strategy);
    const own: Record<string, unknown> = {};
    for (const name of Object.keys(oauth2Fields)) {
      if (given[name] !== undefined && name !== "type") own[name] = given[name];
    }
    if (given.tokenRequest !== undefined) {
      const options = given.tokenRequest as TokenRequestOptions;
      own.tokenRequest = filled(tokenRequestOptions, options, tokenRequest);
    }
    if (given.renewal !== undefined) {
      own.renewal = filled(renewalOptions, given.renewal as RenewalOptions, renewal);
    }
    if (given.transport !== undefined) {
      own.transport = mergedTransport(transport, given.transport as Transport);
    }
    if (grant.secrets !== noGivenFields || grant.given !== noGivenFields) own.grant = grant;
    if (keys.length > 0) own.keys = keys;
    // The checks are what makes this true.
    return inheriting<OAuth2Endpoint>(this.#templateOf(grant.strategy), own);
  }

  #templateOf(strategy: OwnGrantStrategy): Template {
    const known = this.#templates.get(strategy);
    if (known !== undefined) return known;
    const { tokenRequest, renewal, transport } = this.#defaults;
    const grant = {
      strategy,
      isPerCall: false,
      secrets: noGivenFields,
      given: noGivenFields,
      fields: noGivenFields,
    };
    const template = Object.freeze({
      ...defaultsOf<OAuth2FieldsOfAnyGrant, typeof oauth2Fields>(oauth2Fields),
      type: "oauth2",
      grantType: strategy.grantType,
      tokenRequest,
      renewal,
      transport,
      grant,
      keys: noKeys,
    });
    this.#templates.set(strategy, template);
    return template;
  }

  #reportUnknown(grantType: unknown, problems: Problems): void {
    const names = [...this.#grants.keys()];
    const problem =
      typeof grantType === "string"
        ? `is unknown${near(grantType, names)}`
        : mustBe("a string", grantType);
    const fix = `choose ${quoted(names)}, or add a strategy with new EndpointSecurity({ grants })`;
    problems.add("grantType", problem, fix);
  }
}
