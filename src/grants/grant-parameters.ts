import { isRecord, kindOf } from "../checks/kinds.ts";
import type { GrantContext, GrantParameters } from "../configuration/grant-strategy.ts";
import { audienceOf } from "../credentials/assertion-audience.ts";
import { nameOf } from "../credentials/secrets.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import {
  ConfigurationError,
  type ConfigurationProblem,
  GrantFailedError,
  isEndpointSecurityError,
} from "../errors.ts";

/** The body of a token request, but for the grant type and the client's authentication. */
export async function grantParameters(endpoint: ResolvedEndpoint): Promise<URLSearchParams> {
  const { label, settings, strategy } = endpoint;
  const { scope, audience, resource, customParameters = {} } = settings;
  const common = { scope: typeof scope === "object" ? scope.join(" ") : scope, audience, resource };
  const granted = await askStrategy(endpoint);
  const body = new URLSearchParams();
  for (const source of [granted, common, customParameters]) {
    for (const [name, value] of Object.entries(source)) {
      if (value === undefined) continue;
      // Twice the same parameter could be read either way: say so instead of guessing.
      if (body.has(name)) {
        const problem = `is a parameter that the grant "${strategy.grantType}" sets itself`;
        const path = source === customParameters ? `customParameters.${name}` : name;
        throw ConfigurationError.of({ path, problem, fix: "leave it out" }, label);
      }
      for (const one of typeof value === "string" ? [value] : value) body.append(name, one);
    }
  }
  return body;
}

async function askStrategy(endpoint: ResolvedEndpoint): Promise<GrantParameters> {
  const { label, strategy, fields, credentials } = endpoint;
  // A strategy declares the fields it reads; that they are there was validated.
  const { parameters } = strategy as {
    parameters(fields: unknown, context: GrantContext): unknown;
  };
  try {
    const answer = await parameters.call(
      strategy,
      // The refresh grant's own token overrides a credential of the same name: it is the newer one.
      { ...credentials, ...fields },
      contextOf(endpoint),
    );
    const problems = mistakesIn(answer, strategy.grantType);
    if (problems.length === 0) return answer as GrantParameters;
    throw new ConfigurationError({ endpoint: label, problems });
  } catch (error) {
    if (isEndpointSecurityError(error)) throw error;
    throw new GrantFailedError({
      endpoint: label,
      grantType: strategy.grantType,
      reason: `threw ${nameOf(error)}`,
    });
  }
}

function contextOf({ settings, tokenUrl, keys }: ResolvedEndpoint): GrantContext {
  return {
    clientId: settings.clientId,
    audience: (wanted) => audienceOf({ tokenUrl, issuer: settings.issuer }, wanted),
    sign: async (signer, claims, lifetimeMs) => {
      const key = keys[`${signer}PrivateKey`];
      if (key === undefined) throw new TypeError(`no ${signer}PrivateKey`);
      // Loads jose, which an endpoint that signs nothing has no need of.
      const { signedAssertion } = await import("../oauth/signed-assertion.ts");
      return signedAssertion(key, claims, { lifetimeMs });
    },
  };
}

/** What a strategy returned that can't stand in a request. */
function mistakesIn(answer: unknown, grantType: string): ConfigurationProblem[] {
  const at = `grants["${grantType}"].parameters()`;
  if (!isRecord(answer)) {
    return [
      {
        path: at,
        problem: `returned ${kindOf(answer)}`,
        fix: "return an object with names and values",
      },
    ];
  }
  const fits = (value: unknown) =>
    value === undefined ||
    typeof value === "string" ||
    (Array.isArray(value) && value.every((item) => typeof item === "string"));
  return Object.entries(answer)
    .filter(([, value]) => !fits(value))
    .map(([name, value]) => ({
      path: `${at}.${name}`,
      problem: `is ${kindOf(value)}`,
      fix: "return a string or a list of strings",
    }));
}
