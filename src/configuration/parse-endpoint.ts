import { Problems, quoted } from "../checks/check.ts";
import { mustBe } from "../checks/kinds.ts";
import { checkFields, near } from "../checks/unknown-fields.ts";
import { ConfigurationError } from "../errors.ts";
import { apiKeyFields } from "./api-key-fields.ts";
import { basicFields } from "./basic-fields.ts";
import { bearerFields } from "./bearer-fields.ts";
import { deepestNesting, isTooDeep } from "./config-snapshot.ts";
import { digestFields } from "./digest-fields.ts";
import type {
  ApiKeyEndpointConfig,
  BasicEndpointConfig,
  BearerEndpointConfig,
  DigestEndpointConfig,
  EndpointType,
} from "./endpoint-config.ts";
import { checksOf, type Field, type GivenFields, parsedFields } from "./field-table.ts";
import type { OwnGrantStrategy } from "./grant-strategy.ts";
import { type EndpointDefaults, OAuth2Parser } from "./parse-oauth2.ts";
import { labelOf, type ParsedEndpoint } from "./parsed-endpoint.ts";
import { mergedTransport, type Transport } from "./transport-fields.ts";

/**
 * Turns configurations into typed, frozen values with every default filled in. Nothing else in the
 * library reads configurations.
 */
export class EndpointParser {
  readonly #oauth2: OAuth2Parser;
  readonly #defaults: EndpointDefaults;

  constructor(grants: ReadonlyMap<string, OwnGrantStrategy>, defaults: EndpointDefaults) {
    this.#oauth2 = new OAuth2Parser(grants, defaults);
    this.#defaults = defaults;
  }

  /** @throws ConfigurationError with everything that is wrong */
  parse(config: unknown): ParsedEndpoint {
    const problems = new Problems();
    const given = givenFields(config, problems);
    const parsed = problems.list.length === 0 ? this.#parsed(given, problems) : undefined;
    if (parsed === undefined || problems.list.length > 0) {
      throw new ConfigurationError({ endpoint: labelOf(given), problems: problems.list });
    }
    return Object.freeze(parsed);
  }

  #parsed(given: GivenFields, problems: Problems): ParsedEndpoint | undefined {
    const likely = likelyTypes(given);
    if (likely !== undefined) {
      problems.add("type", "is missing, which means oauth2", `choose ${likely}`);
      return undefined;
    }
    switch (given.type ?? "oauth2") {
      case "oauth2":
        return this.#oauth2.parse(given, problems);
      case "basic":
        return this.#other<BasicEndpointConfig, typeof basicFields>(basicFields, given, problems);
      case "digest":
        return this.#other<DigestEndpointConfig, typeof digestFields>(
          digestFields,
          given,
          problems,
        );
      case "bearer":
        return this.#other<BearerEndpointConfig, typeof bearerFields>(
          bearerFields,
          given,
          problems,
        );
      case "api_key":
        return this.#other<ApiKeyEndpointConfig, typeof apiKeyFields>(
          apiKeyFields,
          given,
          problems,
        );
      default: {
        const isText = typeof given.type === "string";
        const problem = isText
          ? `is unknown${near(String(given.type), types)}`
          : mustBe(`one of ${quoted(types)}`, given.type);
        problems.add("type", problem, `choose ${quoted(types)}`);
        return undefined;
      }
    }
  }

  /** An endpoint of a type that requests no tokens. */
  #other<Config, Table extends Readonly<Record<string, Field<unknown>>>>(
    table: Table,
    given: GivenFields,
    problems: Problems,
  ) {
    checkFields(given, checksOf(table, given), problems);
    const { tokenRequest, transport } = this.#defaults;
    return {
      ...parsedFields<Config, Table>(table, given),
      transport: mergedTransport(transport, given.transport as Transport | undefined),
      secretTimeoutMs: tokenRequest.timeoutMs,
    };
  }
}

/** @throws ConfigurationError */
export function checkIsObject(config: unknown): asserts config is object {
  if (typeof config === "object" && config !== null) return;
  throw ConfigurationError.of({
    path: "endpoint",
    problem: mustBe("an object", config),
    fix: "pass a configuration",
  });
}

function givenFields(config: unknown, problems: Problems): GivenFields {
  checkIsObject(config);
  // For editors, which look there for what a JSON file may hold.
  const { $schema: _, ...given }: GivenFields = { ...config };
  for (const [name, value] of Object.entries(given)) {
    if (isTooDeep(value)) {
      problems.add(name, `is nested more than ${deepestNesting} levels deep`, "flatten it");
    }
  }
  return given;
}

const types = ["oauth2", "basic", "digest", "api_key", "bearer"] satisfies EndpointType[];

/** What a configuration without `type` looks like that has nothing of OAuth 2.0. */
function likelyTypes(config: Readonly<Record<string, unknown>>): string | undefined {
  const has = (...names: readonly string[]) => names.some((name) => Boolean(config[name]));
  if (has("type", "grantType", "tokenUrl", "issuer", "clientId")) return undefined;
  if (has("token")) return quoted(["bearer"]);
  if (has("apiKey", "headerName", "queryParameter")) return quoted(["api_key"]);
  return has("username", "password") ? quoted(["basic", "digest"]) : undefined;
}
