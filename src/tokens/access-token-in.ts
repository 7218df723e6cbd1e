/**
 * The access token in the value of a header (`Bearer …`), or the token itself.
 * @param prefix the endpoint's own `headerPrefix`, where it has one.
 */
export function accessTokenIn(text: string, prefix: string | undefined): string {
  if (prefix && text.startsWith(`${prefix} `)) return text.slice(prefix.length + 1);
  return text.replace(/^\S+ /, "");
}
