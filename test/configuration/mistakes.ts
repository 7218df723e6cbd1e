import {
  ConfigurationError,
  type ConfigurationProblem,
  EndpointSecurity,
  type GrantStrategy,
} from "endpoint-security";
import { expect } from "vitest";

/** The error that a call rejects with, which has to be a ConfigurationError. */
export async function configurationError(call: Promise<unknown>): Promise<ConfigurationError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConfigurationError);
  return error as ConfigurationError;
}

/** Everything that is said to be wrong with a configuration. */
export async function mistakesIn(
  config: unknown,
  grants: readonly GrantStrategy[] = [],
): Promise<readonly ConfigurationProblem[]> {
  const security = new EndpointSecurity({ grants });
  return (await configurationError(security.getAuthHeader(config as never))).problems;
}

/** The same, as `path problem`. */
export async function saidOf(config: unknown): Promise<readonly string[]> {
  return (await mistakesIn(config)).map(({ path, problem }) => `${path} ${problem}`);
}
