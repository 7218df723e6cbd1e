import { isRecord, mustBe } from "./checks/kinds.ts";
import { near } from "./checks/unknown-fields.ts";
import type { EndpointConfig } from "./configuration/endpoint-config.ts";
import type { GrantStrategy } from "./configuration/grant-strategy.ts";
import { checkIsObject, EndpointParser } from "./configuration/parse-endpoint.ts";
import { parseFilled } from "./configuration/parse-filled.ts";
import type { Variables } from "./configuration/variables.ts";
import { ConfigurationError, type ConfigurationProblem } from "./errors.ts";
import { grantRegistry } from "./grants/registry.ts";
import { readOptions } from "./options.ts";

/** Options of {@link parseEndpointConfig} and {@link parseEndpointConfigs}. */
export interface ParseOptions<Grants extends readonly GrantStrategy[] = []> {
  /** Your own grant strategies: the same as those of `new EndpointSecurity({ grants })`. */
  readonly grants?: Grants | undefined;
  /**
   * Values for `${NAME}` in the configuration's texts, such as `process.env`, so that a file holds no secret.
   * @default nothing is filled in, and `${NAME}` is a problem
   */
  readonly variables?: Variables | undefined;
}

/**
 * Checks a configuration from JSON, a file or a database, as {@link EndpointSecurity} itself does.
 * @returns the same object, with its type; with `variables`, a copy with their values.
 * @throws ConfigurationError with every problem: its path, what is wrong, and how to fix it.
 * @example
 * ```ts
 * const text = await readFile("orders.json", "utf8");
 * const orders = parseEndpointConfig(JSON.parse(text), { variables: process.env });
 * await security.getAuthHeader(orders);
 * ```
 */
export function parseEndpointConfig<const Grants extends readonly GrantStrategy[] = []>(
  value: unknown,
  options: ParseOptions<Grants> = {},
): EndpointConfig<Grants[number]> {
  checkIsObject(value);
  const {
    config,
    missing,
    problems: others,
  } = parseFilled(value, parserFor(options.grants), options.variables);
  const problems = [...missing, ...others];
  if (problems.length === 0) return config as EndpointConfig<Grants[number]>;
  const name: unknown = Reflect.get(value, "name");
  throw new ConfigurationError({ endpoint: typeof name === "string" ? name : undefined, problems });
}

/**
 * The same for a file of many endpoints: `{ "endpoints": { "orders": { … }, "files": { … } } }`. An endpoint
 * without `name` gets the name that it has there.
 * @returns the endpoints by their names.
 * @throws ConfigurationError with every problem of every endpoint.
 * @example
 * ```ts
 * const text = await readFile("endpoints.json", "utf8");
 * const { orders } = parseEndpointConfigs(JSON.parse(text), { variables: process.env });
 * ```
 */
export function parseEndpointConfigs<const Grants extends readonly GrantStrategy[] = []>(
  value: unknown,
  options: ParseOptions<Grants> = {},
): Record<string, EndpointConfig<Grants[number]>> {
  const parser = parserFor(options.grants);
  const problems = [...problemsOfFile(value)];
  const found: [string, unknown][] = [];
  for (const [name, given] of endpointsIn(value)) {
    const path = /^[\w-]+$/.test(name) ? `endpoints.${name}` : `endpoints[${JSON.stringify(name)}]`;
    if (!isRecord(given)) {
      problems.push({ path, problem: mustBe("an object", given), fix: "set a configuration" });
      continue;
    }
    const one = parseFilled({ name, ...given }, parser, options.variables);
    for (const problem of [...one.missing, ...one.problems]) {
      problems.push({ ...problem, path: `${path}.${problem.path}` });
    }
    found.push([name, one.config]);
  }
  if (problems.length > 0) throw new ConfigurationError({ problems });
  return Object.fromEntries(found) as Record<string, EndpointConfig<Grants[number]>>;
}

const fileFields = ["$schema", "endpoints"];

function* problemsOfFile(value: unknown): Generator<ConfigurationProblem> {
  if (!isRecord(value)) {
    const fix = "pass an object with endpoints";
    yield { path: "file", problem: mustBe("an object", value), fix };
    return;
  }
  if (!isRecord(value.endpoints)) {
    const fix = "set the configurations, each under its name";
    yield { path: "endpoints", problem: mustBe("an object", value.endpoints), fix };
  }
  for (const name of Object.keys(value).filter((field) => !fileFields.includes(field))) {
    const problem = `is not a field here${near(name, fileFields)}`;
    yield { path: name, problem, fix: "correct or remove it" };
  }
}

function endpointsIn(value: unknown): [string, unknown][] {
  return isRecord(value) && isRecord(value.endpoints) ? Object.entries(value.endpoints) : [];
}

function parserFor(grants: readonly GrantStrategy[] = []): EndpointParser {
  const { renewal, tokenRequest, transport } = readOptions({});
  return new EndpointParser(grantRegistry(grants), { renewal, tokenRequest, transport });
}
