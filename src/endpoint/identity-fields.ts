import type { Field } from "../configuration/field-table.ts";
import { oauth2Fields } from "../configuration/oauth2-fields.ts";
import { identityOptions } from "../configuration/option-table.ts";
import type { OAuth2Endpoint } from "../configuration/parsed-endpoint.ts";
import { renewalOptions } from "../configuration/renewal-options.ts";
import { tokenRequestOptions } from "../configuration/token-request-options.ts";

/** The fields that change the token. Those of a grant of the user's own all may. */
export function identityFields(endpoint: OAuth2Endpoint): Readonly<Record<string, unknown>> {
  const { grant, scope, tokenRequest, renewal } = endpoint;
  const fields = Object.entries<Field<unknown>>(oauth2Fields)
    .filter(([, { inIdentity }]) => inIdentity !== false)
    .map(([name]) => [name, endpoint[name as keyof typeof oauth2Fields]]);
  return {
    ...grant.given,
    ...Object.fromEntries(fields),
    scope: scope === undefined ? undefined : setOf(scope),
    tokenRequest: identityOptions(tokenRequestOptions, tokenRequest),
    renewal: identityOptions(renewalOptions, renewal),
  };
}

/** Scopes are a set (RFC 6749 §3.3): their order means nothing. */
function setOf(scope: unknown): unknown {
  const list: readonly unknown[] = Array.isArray(scope) ? scope : [scope];
  const names = list.flatMap((one) => (typeof one === "string" ? one.split(" ") : [one]));
  return [...new Set(names)].filter((name) => name !== "").sort();
}
