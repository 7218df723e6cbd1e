import type { BackendConfig } from "./configuration/endpoint-config.ts";
import { ConfigurationError, type ConfigurationProblem } from "./errors.ts";
import { parseEndpointConfig } from "./parse-endpoint-config.ts";
import type { RedisServer } from "./redis/options.ts";
import { readApiDefinition } from "./wso2/api-definition.ts";
import { Cursor } from "./wso2/cursor.ts";
import { type ImportedDefaults, readDeployment } from "./wso2/deployment-toml.ts";
import { readDocument, readToml } from "./wso2/document.ts";
import { DocumentError } from "./wso2/document-error.ts";
import { type ImportNote, type ImportReport, Report } from "./wso2/report.ts";
import {
  type EnvironmentSecrets,
  environment,
  type ImportSecrets,
  SecretFinder,
} from "./wso2/secrets.ts";
import { type FoundEndpoint, type Stage, stages } from "./wso2/stages.ts";

export type { EnvironmentSecrets, ImportedDefaults, ImportNote, ImportReport, ImportSecrets };
export { DocumentError, environment };

/** Options of {@link fromApiDefinition}. */
export interface ApiDefinitionOptions {
  /**
   * The secrets that the export doesn't hold: an object by path, a function of the path, or
   * `environment(prefix)`. They are taken before those in the file.
   * @default none
   * @example { "production.clientSecret": () => vault.read("orders") }
   */
  readonly secrets?: ImportSecrets | undefined;
  /**
   * apictl's params file of the API (`api_params.yaml`, or `params.yaml` in a folder of `deployment`), as
   * text or parsed. What it says is taken before what the definition says.
   * @default none
   */
  readonly params?: string | object | undefined;
  /**
   * Which environment of the params file.
   * @default the only one
   */
  readonly environment?: string | undefined;
  /**
   * What `${NAME}` in the params file stands for.
   * @default process.env
   */
  readonly variables?: Readonly<Record<string, string | undefined>> | undefined;
}

/** What an API's definition came to. */
export interface ApiDefinitionImport {
  /** The production endpoint, ready for `getAuthHeader` and `wrapFetch`; undefined if it isn't secured. */
  readonly production?: BackendConfig | undefined;
  /** The sandbox endpoint, likewise. */
  readonly sandbox?: BackendConfig | undefined;
  /** What became of everything in the file. */
  readonly report: ImportReport;
}

/**
 * Reads an API's endpoint security from an export of WSO2 API Manager (`api.yaml` or `api.json` of 3.2 and
 * later, or a params file of apictl), or from a resource of WSO2 API Platform.
 * @param definition the text of the file (YAML or JSON), or the parsed file.
 * @throws DocumentError if the text can't be parsed: with line and column.
 * @throws ConfigurationError with everything that is missing or wrong, such as masked secrets.
 * @example
 * ```ts
 * const { production, report } = fromApiDefinition(await readFile("api.yaml", "utf8"), {
 *   secrets: environment("orders"),
 * });
 * console.table(report.left);
 * const orders = security.wrapFetch(production);
 * ```
 */
export function fromApiDefinition(
  definition: string | object,
  options: ApiDefinitionOptions = {},
): ApiDefinitionImport {
  const { params, variables = process.env } = options;
  const report = new Report();
  const files = {
    definition: readDocument(definition, "the API definition"),
    params: params === undefined ? undefined : readDocument(params, "the params file"),
    environment: options.environment,
    variables,
  };
  const found = readApiDefinition(files, new SecretFinder(options.secrets), report);
  const problems = [...report.problems];
  const configs: Partial<Record<Stage, BackendConfig>> = {};
  for (const stage of stages) {
    const endpoint = found[stage];
    if (endpoint?.security === undefined) {
      if (endpoint !== undefined) noteUnsecured(stage, report);
      continue;
    }
    const config = configOf(endpoint);
    if (endpoint.url === undefined) {
      const note = "is secured, and has no address";
      report.add("left", { path: stage, note, fix: "add the endpoint's url, and import it again" });
    } else if (problems.length === 0) {
      problems.push(...problemsOf(config, stage));
      configs[stage] = config as BackendConfig;
    }
  }
  if (problems.length > 0) throw new ConfigurationError({ problems });
  return { ...configs, report: report.finished() };
}

/** What a deployment.toml came to. */
export interface DeploymentImport {
  /** The Redis of the gateways, for `createRedisCache`; undefined if the file has none. */
  readonly redis: RedisServer | undefined;
  /** Defaults of all endpoints, for `new EndpointSecurity`. */
  readonly defaults: ImportedDefaults;
  /** What became of everything in the file. */
  readonly report: ImportReport;
}

/**
 * Reads Redis, the proxy and the defaults of token requests from the deployment.toml of WSO2 API Manager or
 * API Platform.
 * @param toml the text of the file, or the parsed file.
 * @throws DocumentError if the text can't be parsed: with line and column.
 * @throws ConfigurationError with everything that is missing or wrong, such as a password that the file
 *   doesn't hold (`redis.password`, `proxy.password`).
 * @example
 * ```ts
 * const { redis, defaults } = fromDeploymentToml(await readFile("deployment.toml", "utf8"), {
 *   secrets: environment("gateway"),
 * });
 * const security = new EndpointSecurity({ ...defaults, cache: redis && createRedisCache(redis) });
 * ```
 */
export function fromDeploymentToml(
  toml: string | object,
  { secrets }: Pick<ApiDefinitionOptions, "secrets"> = {},
): DeploymentImport {
  const report = new Report();
  const file = new Cursor(readToml(toml, "deployment.toml"), "", report);
  const found = readDeployment(file, new SecretFinder(secrets));
  if (report.problems.length > 0) throw new ConfigurationError({ problems: report.problems });
  return { ...found, report: report.finished() };
}

function configOf({ name, url, security }: FoundEndpoint): object {
  return {
    ...(name === undefined ? {} : { name }),
    ...(url === undefined ? {} : { url }),
    ...security,
  };
}

/** What the library itself finds wrong with it. */
function problemsOf(config: object, stage: Stage): readonly ConfigurationProblem[] {
  try {
    parseEndpointConfig(config);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems.map((one) => ({ ...one, path: `${stage}.${one.path}` }));
  }
}

function noteUnsecured(stage: Stage, report: Report): void {
  report.add("left", { path: stage, note: "has no security: call the backend as it is" });
}
