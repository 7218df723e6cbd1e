import type { GrantStrategy } from "../endpoint/grant-strategy.ts";
import { ConfigurationError } from "../errors.ts";
import { clientCredentials } from "./client-credentials.ts";
import { password } from "./password.ts";

/** The strategies of one instance, by grant type: the library's own and the user's. */
export function grantRegistry(
  custom: readonly GrantStrategy[],
): ReadonlyMap<string, GrantStrategy> {
  const grants = new Map<string, GrantStrategy>();
  for (const strategy of [clientCredentials, password, ...custom]) {
    if (typeof strategy.grantType !== "string" || strategy.grantType === "") {
      throw new ConfigurationError({
        problems: [
          { path: "grants", problem: "holds a strategy without grantType", mend: "name it" },
        ],
      });
    }
    if (grants.has(strategy.grantType)) {
      throw new ConfigurationError({
        problems: [
          {
            path: "grants",
            problem: `has the grant type "${strategy.grantType}" twice`,
            mend: "give each strategy a grant type of its own",
          },
        ],
      });
    }
    grants.set(strategy.grantType, strategy);
  }
  return grants;
}
