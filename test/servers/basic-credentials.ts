interface BasicCredentials {
  id: string;
  secret: string;
}

const SCHEME = /^basic +(\S+)$/i;

/** Client credentials of a Basic header: RFC 6749 (2.3.1) has both halves form-encoded. */
export function parseBasic(authorization: string | undefined): BasicCredentials | undefined {
  const encoded = authorization?.match(SCHEME)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon === -1) return undefined;
  return { id: formDecode(text.slice(0, colon)), secret: formDecode(text.slice(colon + 1)) };
}

export function formatBasic({ id, secret }: BasicCredentials): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;
}

function formDecode(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll("+", " "));
  } catch {
    // A client which does not encode may send a bare percent sign.
    return value;
  }
}
