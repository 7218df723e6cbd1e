import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { basicAuthorization } from "./basic-authorization.ts";

const longestMessage = 300;
const longestRead = 4_096;
// Shorter values are part of ordinary words; taking them out would garble a message and hide nothing.
const shortestSecret = 3;

/** Keeps an endpoint's secrets out of texts that others wrote. */
export interface Redactor {
  /** The text without secrets; none of it where a secret shows in some other spelling. */
  quote(text: string, longest?: number): string;
  /** Whether the text holds a secret, in whatever spelling. */
  shows(text: string): boolean;
}

/** @param more what else is secret in this one exchange: parameters that were sent, tokens that came. */
export function redactor(endpoint: ResolvedEndpoint, more: readonly string[]): Redactor {
  return redactorOf(() => {
    const { settings, credentials } = endpoint;
    const basic = (["form", "raw"] as const).map((encoding) =>
      basicAuthorization(settings.clientId, credentials.clientSecret ?? "", encoding).slice(6),
    );
    return [...plainSecrets(endpoint, more), ...basic];
  });
}

function plainSecrets(
  { settings, credentials }: ResolvedEndpoint,
  more: readonly string[],
): string[] {
  return [
    ...Object.values(credentials),
    ...Object.values(settings.customParameters ?? {}).flat(),
    ...Object.values(settings.tokenRequest.headers),
    ...more,
  ];
}

/** Keeps some texts, as they are and in base64, out of others. */
export function redactorFor(plain: readonly string[]): Redactor {
  return redactorOf(() => plain);
}

/** Collects the secrets when there is something to redact: a usual token response has nothing. */
function redactorOf(collect: () => readonly string[]): Redactor {
  let found: readonly string[] | undefined;
  const secrets = () => {
    found ??= withEncoded(collect());
    return found;
  };
  const shows = (text: string) =>
    spellings(text).some((spelling) => secrets().some((secret) => spelling.includes(secret)));
  return {
    shows,
    quote(text, longest = longestMessage) {
      // Nobody reads more, and each way of escaping costs a look at all of it.
      let clean = text.slice(0, longestRead);
      for (const secret of secrets()) clean = clean.replaceAll(secret, "[redacted]");
      if (shows(clean)) return "[redacted]";
      // Also line and paragraph separators, which some viewers break lines at.
      clean = clean.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").trim();
      return clean.length > longest ? `${clean.slice(0, longest)}…` : clean;
    },
  };
}

function withEncoded(plain: readonly string[]): readonly string[] {
  const encoded = plain.flatMap((secret) =>
    (["base64", "base64url"] as const).map((form) => Buffer.from(secret).toString(form)),
  );
  return (
    [...new Set([...plain, ...encoded])]
      .filter((secret) => secret.length >= shortestSecret)
      // Longest first: a secret may contain another.
      .sort((a, b) => b.length - a.length)
  );
}

/** A text as it reads after every way of escaping that a server may have used, one upon the other. */
function spellings(text: string): string[] {
  const all = new Set([text]);
  for (const spelling of all) {
    for (const decode of [percentDecoded, jsonDecoded, htmlDecoded]) {
      if (all.size < 20) all.add(decode(spelling));
    }
  }
  return [...all];
}

function percentDecoded(text: string): string {
  const bytes = text
    .replaceAll("+", " ")
    .replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) =>
      Buffer.from(run.replaceAll("%", ""), "hex").toString(),
    );
  return bytes;
}

function jsonDecoded(text: string): string {
  return text
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number(`0x${hex}`)))
    .replaceAll(/\\(["\\/])/g, "$1");
}

const htmlNames: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

function htmlDecoded(text: string): string {
  return text.replaceAll(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi,
    (all, hex, decimal, name) => {
      if (name !== undefined) return htmlNames[String(name).toLowerCase()] ?? all;
      const code = hex === undefined ? Number(decimal) : Number(`0x${hex}`);
      return code <= 0x10ffff ? String.fromCodePoint(code) : all;
    },
  );
}
