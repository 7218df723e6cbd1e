/**
 * The `exp` of a token that happens to be a JWT, in milliseconds since the epoch. Nothing is
 * verified: the token is the backend's to trust, its life is all that is read.
 * @see https://www.rfc-editor.org/rfc/rfc9068#section-2.2
 */
export function jwtExpiry(token: string): number | undefined {
  const [, payload = "", signature, ...more] = token.split(".");
  if (signature === undefined || more.length > 0) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const { exp } = claims as { readonly exp?: unknown };
    return typeof exp === "number" && Number.isFinite(exp) ? exp * 1000 : undefined;
  } catch {
    // No JSON, or null.
    return undefined;
  }
}
