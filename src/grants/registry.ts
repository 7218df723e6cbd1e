import type { GrantStrategy, OwnGrantStrategy } from "../configuration/grant-strategy.ts";
import { ConfigurationError } from "../errors.ts";
import { clientCredentials } from "./client-credentials.ts";
import { jwtBearer } from "./jwt-bearer.ts";
import { password } from "./password.ts";
import { tokenExchange } from "./token-exchange.ts";

/** The strategies of one instance, by grant type: the library's own and the user's. */
export function grantRegistry(
  custom: readonly GrantStrategy[],
): ReadonlyMap<string, OwnGrantStrategy> {
  const grants = new Map<string, OwnGrantStrategy>();
  for (const strategy of [clientCredentials, password, jwtBearer, tokenExchange, ...custom]) {
    if (typeof strategy.grantType !== "string" || strategy.grantType === "") {
      throw ConfigurationError.of({
        path: "grants",
        problem: "holds a strategy without grantType",
        fix: "name it",
      });
    }
    if (grants.has(strategy.grantType)) {
      throw ConfigurationError.of({
        path: "grants",
        problem: `has the grant type "${strategy.grantType}" twice`,
        fix: "give each strategy a grant type of its own",
      });
    }
    grants.set(strategy.grantType, strategy);
  }
  return grants;
}
