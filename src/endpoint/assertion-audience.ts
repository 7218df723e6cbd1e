import { type Check, text } from "./problems.ts";
import type { OAuth2Settings } from "./resolved-endpoint.ts";

/**
 * Whom an assertion is for, its `aud`: the token endpoint's URL (default), the `issuer`, or any other
 * text. Servers differ in what they take.
 * @see https://www.rfc-editor.org/rfc/rfc7523#section-3
 */
export type AssertionAudience = "token_endpoint" | "issuer" | (string & {});

export const assertionAudience =
  (config: Readonly<Record<string, unknown>>): Check =>
  (value, path, problems) => {
    if (value === "issuer" && config.issuer === undefined) {
      const problem = "is the issuer, which this configuration doesn't name";
      problems.add(path, problem, "give the issuer's URL here, or issuer in place of tokenUrl");
    } else text(value, path, problems);
  };

/** The `aud` of an assertion. */
export function audienceOf(
  { tokenUrl, issuer }: Pick<OAuth2Settings, "tokenUrl" | "issuer">,
  wanted: AssertionAudience = "token_endpoint",
): string {
  if (wanted === "token_endpoint") return tokenUrl;
  return wanted === "issuer" ? (issuer ?? tokenUrl) : wanted;
}
