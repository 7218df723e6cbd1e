import type { Cursor } from "./cursor.ts";
import { type SecretFinder, whyNotUsable } from "./secrets.ts";

/** Parameters that have a field of their own here. */
const fields = ["scope", "audience", "resource"] as const;
/** Parameters that the token request sets itself. */
const reserved = new Set([
  "grant_type",
  "client_id",
  "client_secret",
  "username",
  "password",
  "refresh_token",
]);

export interface TokenParameters {
  readonly scope?: string;
  readonly audience?: string;
  readonly resource?: string;
  readonly customParameters?: Readonly<Record<string, string>>;
}

/** Further parameters of the token request: name and value, or `{ value, secured }`. */
export function tokenParameters(
  place: Cursor,
  { secrets, path }: { readonly secrets: SecretFinder; readonly path: string },
): TokenParameters {
  const found = new Map<string, string>();
  for (const [name, given] of place.members()) {
    const value = typeof given.value === "object" && given.isThere ? given.at("value") : given;
    const isSecured = given.at("secured").flag() === true;
    given.at("secured").carried("decides where the value is taken from");
    if (reserved.has(name.toLowerCase())) {
      value.left("is a parameter that the token request sets itself");
      continue;
    }
    const text =
      isSecured || isReference(value)
        ? secrets.value(value, `${path}.customParameters.${name}`)
        : value.text();
    if (text === undefined) {
      value.left("has no value, so that it isn't sent");
      continue;
    }
    found.set(name, text);
    const field = fields.find((one) => one === name);
    value.carried(field ?? `customParameters.${name}`);
  }
  const { scope, audience, resource, ...customParameters } = Object.fromEntries(found);
  return {
    ...(scope === undefined ? {} : { scope }),
    ...(audience === undefined ? {} : { audience }),
    ...(resource === undefined ? {} : { resource }),
    ...(Object.keys(customParameters).length === 0 ? {} : { customParameters }),
  };
}

/** Whether a value only says where the real one is. */
function isReference(value: Cursor): boolean {
  return (
    value.isThere && typeof value.value === "string" && whyNotUsable(value.value) !== undefined
  );
}
