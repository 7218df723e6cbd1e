/** The `code` of an error, such as `ECONNREFUSED`: a word in capitals, so it can't hold a secret. */
export function errorCodeOf(error: unknown): string | undefined {
  const code: unknown = Reflect.get(Object(error), "code");
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : undefined;
}
