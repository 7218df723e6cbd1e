import { Problems } from "../checks/check.ts";
import { ConfigurationError, type ConfigurationProblem } from "../errors.ts";
import { ConfigSnapshot } from "./config-snapshot.ts";
import { checkIsObject, type EndpointParser } from "./parse-endpoint.ts";
import type { ParsedEndpoint } from "./parsed-endpoint.ts";
import { filledIn, type Variables } from "./variables.ts";

/** A configuration whose variables are filled in, and what came of it. */
interface Filled {
  /** The same object, where no variables were given. */
  readonly config: object;
  /** Undefined where anything is missing or wrong. */
  readonly endpoint: ParsedEndpoint | undefined;
  /** Variables that are not set. */
  readonly missing: readonly ConfigurationProblem[];
  /** Everything else that is wrong. A field whose variable is not set has no other problem. */
  readonly problems: readonly ConfigurationProblem[];
}

/** Fills in variables and parses the result. @throws ConfigurationError if it isn't an object */
export function parseFilled(
  value: unknown,
  parser: EndpointParser,
  variables: Variables | undefined,
): Filled {
  const unset = new Problems();
  const config = variables === undefined ? value : filledIn(value, variables, unset);
  checkIsObject(config);
  const missing = unset.list;
  try {
    const endpoint = parser.parse(new ConfigSnapshot(config).restored());
    return { config, endpoint: missing.length === 0 ? endpoint : undefined, missing, problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const paths = new Set(missing.map(({ path }) => path));
    const problems = error.problems.filter(({ path }) => !paths.has(path));
    return { config, endpoint: undefined, missing, problems };
  }
}
