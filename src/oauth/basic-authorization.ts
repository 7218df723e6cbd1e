/** The Basic header of a client; see `clientSecretBasicEncoding`. */
export function basicAuthorization(id: string, secret: string, encoding: "form" | "raw"): string {
  const encode = encoding === "form" ? formEncoded : (text: string) => text;
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString("base64")}`;
}

/**
 * Form-encoding that leaves `-._~` alone: it decodes to the same, and servers that don't decode
 * still recognise most identifiers.
 */
function formEncoded(text: string): string {
  if (/^[\w.~-]*$/.test(text)) return text;
  // By way of a buffer, because half a surrogate pair makes encodeURIComponent throw.
  return encodeURIComponent(Buffer.from(text).toString())
    .replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}
