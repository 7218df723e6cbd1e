/** A token request as it came. */
export interface RecordedTokenRequest {
  readonly grantType: string;
  /** From the body, or from the Basic header. */
  readonly clientId: string | undefined;
  /** The body's parameters; a repeated one is a list. */
  readonly parameters: Readonly<Record<string, string | readonly string[]>>;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** The request with its body read. @param headers by their names in lower case */
export function recordedRequest(
  headers: RecordedTokenRequest["headers"],
  body: string,
): RecordedTokenRequest {
  const form = new URLSearchParams(body);
  const names = [...new Set(form.keys())];
  const parameters = Object.fromEntries(
    names.map((name) => {
      const [first = "", ...others] = form.getAll(name);
      return [name, others.length === 0 ? first : [first, ...others]];
    }),
  );
  const basic = /^Basic (.+)$/i.exec(String(headers.authorization ?? ""))?.[1];
  const [inHeader] = Buffer.from(basic ?? "", "base64")
    .toString()
    .split(":");
  const clientId = form.get("client_id") ?? (inHeader ? decoded(inHeader) : undefined);
  return { grantType: form.get("grant_type") ?? "", clientId, parameters, headers };
}

/** Form-encoded, or as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
