import {
  ConfigurationError,
  type ConfigurationProblem,
  EndpointSecurity,
  type GrantStrategy,
} from "endpoint-security";
import { expect } from "vitest";
import { unchecked } from "./unchecked.ts";

/** The error that a call rejects with, which has to be a ConfigurationError. */
export async function configurationError(call: Promise<unknown>): Promise<ConfigurationError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ConfigurationError);
  const { problems } = error as ConfigurationError;
  expect(problems).not.toEqual([]);
  for (const problem of problems) {
    // Whole sentences' worth, not a path or a fix that nobody filled in.
    expect(problem).toEqual({
      path: expect.stringMatching(/^\S/),
      problem: expect.stringMatching(/^\w.*\w/),
      fix: expect.stringMatching(/^\w.*\w/),
    });
  }
  return error as ConfigurationError;
}

/** Everything that is said to be wrong with a configuration. */
export async function mistakesIn(
  config: unknown,
  grants: readonly GrantStrategy[] = [],
): Promise<readonly ConfigurationProblem[]> {
  const security = new EndpointSecurity({ grants });
  return (await configurationError(security.getAuthHeader(unchecked(config)))).problems;
}

/** The same, as `path problem`. */
export async function saidOf(config: unknown): Promise<readonly string[]> {
  return (await mistakesIn(config)).map(({ path, problem }) => `${path} ${problem}`);
}
