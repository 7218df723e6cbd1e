import type { StandardSchemaV1 } from "@standard-schema/spec";
import { ConfigurationError } from "../errors.ts";
import { apiKeyChecks, basicChecks, digestChecks, oauth2Checks } from "./fields.ts";
import type { OwnGrantStrategy } from "./grant-strategy.ts";
import { checkFields, near } from "./known-fields.ts";
import { type Check, credential, isRecord, optional, Problems, quoted } from "./problems.ts";
import { kindOf } from "./secrets.ts";
import { deepestNesting, isTooDeep } from "./snapshot.ts";
import { shownUrl } from "./url-rules.ts";

/** What an endpoint is called in errors and events. */
export function labelOf(config: Readonly<Record<string, unknown>>): string {
  if (typeof config.name === "string" && config.name !== "") return config.name;
  for (const url of [config.url, config.tokenUrl, config.issuer]) {
    if (typeof url === "string" && URL.canParse(url)) return shownUrl(url);
  }
  return "endpoint";
}

/** @throws ConfigurationError for a configuration that can't be seen whole: cyclic, or very deep. */
export function checkNesting(config: Readonly<Record<string, unknown>>): void {
  const problems = new Problems();
  for (const [name, value] of Object.entries(config)) {
    if (isTooDeep(value)) {
      problems.add(name, `is nested more than ${deepestNesting} deep`, "flatten it");
    }
  }
  if (problems.list.length > 0) {
    throw new ConfigurationError({ endpoint: labelOf(config), problems: problems.list });
  }
}

/**
 * Looks at a whole configuration.
 * @returns the strategy's own fields as its schema left them (empty for other types).
 * @throws ConfigurationError with everything that is wrong.
 */
export function validate(
  config: Readonly<Record<string, unknown>>,
  grants: ReadonlyMap<string, OwnGrantStrategy>,
): Readonly<Record<string, unknown>> {
  const problems = new Problems();
  const ownFields = checkByType(config, grants, problems);
  if (problems.list.length > 0) {
    throw new ConfigurationError({ endpoint: labelOf(config), problems: problems.list });
  }
  return ownFields;
}

const types = ["oauth2", "basic", "digest", "api_key"];

/** What a configuration without `type` looks like that has nothing of OAuth 2.0. */
function likelyTypes(config: Readonly<Record<string, unknown>>): string | undefined {
  const has = (...names: readonly string[]) => names.some((name) => Boolean(config[name]));
  if (has("type", "grantType", "tokenUrl", "issuer", "clientId")) return undefined;
  if (has("apiKey", "headerName")) return quoted(["api_key"]);
  return has("username", "password") ? quoted(["basic", "digest"]) : undefined;
}

function checkByType(
  config: Readonly<Record<string, unknown>>,
  grants: ReadonlyMap<string, OwnGrantStrategy>,
  problems: Problems,
): Readonly<Record<string, unknown>> {
  const likely = likelyTypes(config);
  if (likely !== undefined) {
    problems.add("type", "is missing, which means oauth2", `choose ${likely}`);
    return {};
  }
  switch (config.type ?? "oauth2") {
    case "oauth2":
      return checkOAuth2(config, grants, problems);
    case "basic":
      checkFields(config, basicChecks, problems);
      return {};
    case "digest":
      checkFields(config, digestChecks, problems);
      return {};
    case "api_key":
      checkFields(config, apiKeyChecks, problems);
      return {};
    default:
      problems.add(
        "type",
        typeof config.type === "string"
          ? `is unknown${near(config.type, types)}`
          : `is ${kindOf(config.type)}`,
        `choose ${quoted(types)}`,
      );
      return {};
  }
}

function checkOAuth2(
  config: Readonly<Record<string, unknown>>,
  grants: ReadonlyMap<string, OwnGrantStrategy>,
  problems: Problems,
): Readonly<Record<string, unknown>> {
  const { grantType } = config;
  const strategy = typeof grantType === "string" ? grants.get(grantType) : undefined;
  const checks: Record<string, Check> = oauth2Checks(config, strategy);
  for (const [name, need] of Object.entries(strategy?.credentials ?? {})) {
    checks[name] = need === "required" ? credential : optional(credential);
  }
  if (strategy === undefined) {
    checks.grantType = (_, path) =>
      problems.add(
        path,
        typeof grantType === "string"
          ? `is unknown${near(grantType, [...grants.keys()])}`
          : `is ${kindOf(grantType)}`,
        `choose ${quoted([...grants.keys()])}, or add a strategy with new EndpointSecurity({ grants })`,
      );
  }
  const own = Object.fromEntries(
    Object.entries(config).filter(([name]) => !Object.hasOwn(checks, name)),
  );
  // Which of the other fields belong, only the strategy can say, and it need not. Without one, what
  // looks like a known field is a slip all the same.
  const known = Object.keys(checks);
  const theirs =
    strategy === undefined
      ? Object.keys(own).filter((name) => near(name, known) === "")
      : (strategy.fields ?? Object.keys(own));
  for (const name of theirs) checks[name] = () => {};
  Object.assign(checks, strategy?.checks?.(config));
  checkFields(config, checks, problems);
  return strategy?.schema === undefined
    ? own
    : checkOwnFields(strategy.schema, own, known, problems);
}

/** What the strategy's schema makes of its own fields. */
function checkOwnFields(
  schema: StandardSchemaV1,
  own: Readonly<Record<string, unknown>>,
  known: readonly string[],
  problems: Problems,
): Readonly<Record<string, unknown>> {
  const result = schema["~standard"].validate(own);
  if (result instanceof Promise) {
    problems.add("grantType", "has a schema that validates asynchronously", "make it synchronous");
    return {};
  }
  for (const { path = [], message } of result.issues ?? []) {
    const names = path.map((part) => String(typeof part === "object" ? part.key : part));
    const said = withoutTexts(message, own);
    problems.add(names.join(".") || "grantType", `does not fit: ${said}`, "see the grant's schema");
  }
  if (result.issues !== undefined) return {};
  const fields = isRecord(result.value) ? result.value : {};
  // What the schema leaves out and looks like a field of every endpoint is a slip.
  for (const name of Object.keys(own)) {
    const hint = near(name, known);
    if (!Object.hasOwn(fields, name) && hint !== "") {
      problems.add(name, `is not a field here${hint}`, "correct or remove it");
    }
  }
  return fields;
}

/** A schema's message, which may quote what it was given, without that. */
function withoutTexts(message: string, given: unknown): string {
  if (typeof given === "string") {
    return given === "" ? message : message.replaceAll(given, "[redacted]");
  }
  if (typeof given !== "object" || given === null) return message;
  return Object.values(given).reduce<string>(withoutTexts, message);
}
