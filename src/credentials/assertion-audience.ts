import { type Check, text } from "../checks/check.ts";

/**
 * The `aud` of an assertion: the `issuer` (default of client assertions where `issuer` is configured),
 * the token endpoint's URL (default elsewhere), or any other text. Servers differ in what they accept.
 * @see https://www.rfc-editor.org/rfc/rfc7523#section-3
 */
export type AssertionAudience = "token_endpoint" | "issuer" | (string & {});

export const assertionAudience =
  (config: Readonly<Record<string, unknown>>): Check =>
  (value, path, problems) => {
    if (value === "issuer" && config.issuer === undefined) {
      const problem = 'is "issuer", and this configuration has no issuer';
      problems.add(path, problem, "set the issuer's URL here, or issuer instead of tokenUrl");
    } else text(value, path, problems);
  };

/** The `aud` of an assertion. */
export function audienceOf(
  { tokenUrl, issuer }: { readonly tokenUrl: string; readonly issuer?: string | undefined },
  wanted: AssertionAudience = "token_endpoint",
): string {
  if (wanted === "token_endpoint") return tokenUrl;
  return wanted === "issuer" ? (issuer ?? tokenUrl) : wanted;
}
