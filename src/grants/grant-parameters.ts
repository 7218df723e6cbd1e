import { audienceOf } from "../endpoint/assertion-audience.ts";
import type { GrantContext, GrantParameters } from "../endpoint/grant-strategy.ts";
import { isRecord } from "../endpoint/problems.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { kindOf, nameOf } from "../endpoint/secrets.ts";
import {
  ConfigurationError,
  type ConfigurationProblem,
  isEndpointSecurityError,
  SecretUnavailableError,
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
        throw new ConfigurationError({
          endpoint: label,
          problems: [{ path, problem, mend: "leave it out" }],
        });
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
      { ...fields, ...credentials },
      contextOf(endpoint),
    );
    const problems = mistakesIn(answer, strategy.grantType);
    if (problems.length === 0) return answer as GrantParameters;
    throw new ConfigurationError({ endpoint: label, problems });
  } catch (error) {
    if (isEndpointSecurityError(error)) throw error;
    throw new SecretUnavailableError({
      endpoint: label,
      field: `the grant "${strategy.grantType}"`,
      reason: `threw ${nameOf(error)}`,
    });
  }
}

function contextOf({ settings, keys }: ResolvedEndpoint): GrantContext {
  return {
    clientId: settings.clientId,
    audience: (wanted) => audienceOf(settings, wanted),
    sign: async (signer, claims, lifetimeMs) => {
      const key = keys[`${signer}PrivateKey`];
      if (key === undefined) throw new TypeError(`no ${signer}PrivateKey`);
      // Loads jose, which an endpoint that signs nothing has no need of.
      const { signedAssertion } = await import("../oauth/signed-assertion.ts");
      return signedAssertion(key, claims, lifetimeMs);
    },
  };
}

/** What a strategy returned that can't stand in a request. */
function mistakesIn(answer: unknown, grantType: string): ConfigurationProblem[] {
  const at = `grants["${grantType}"].parameters()`;
  if (!isRecord(answer)) {
    return [{ path: at, problem: `returned ${kindOf(answer)}`, mend: "return name and value" }];
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
      mend: "return a string or a list of strings",
    }));
}
