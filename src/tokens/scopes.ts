/** The scopes in a configuration or a token response: a set, whose order means nothing. */
export function scopesIn(scope: string | readonly string[] | undefined): readonly string[] {
  const text = typeof scope === "object" ? scope.join(" ") : (scope ?? "");
  return [...new Set(text.split(" ").filter((one) => one !== ""))];
}

/**
 * The scopes that were requested and not granted; none where the response says nothing of scopes.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.1
 */
export function missingScopes(
  requested: string | readonly string[] | undefined,
  granted: string | undefined,
): readonly string[] {
  if (granted === undefined) return [];
  const have = new Set(scopesIn(granted));
  return scopesIn(requested).filter((scope) => !have.has(scope));
}
