import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { basicAuthorization, formEncoded } from "./client-authentication.ts";

const longestMessage = 300;
// Shorter values are part of ordinary words; taking them out would garble a message and hide nothing.
const shortestSecret = 3;

/** Takes an endpoint's secrets, in every form they are sent in, out of texts that others wrote. */
export function redactor(endpoint: ResolvedEndpoint, ...more: readonly string[]) {
  const { settings, credentials } = endpoint;
  const plain = [
    ...Object.values(credentials),
    ...Object.values(settings.customParameters ?? {}).flat(),
    ...Object.values(settings.customHeaders ?? {}),
    ...more,
  ];
  const basic = (["form", "raw"] as const).map((encoding) =>
    basicAuthorization(settings.clientId, credentials.clientSecret ?? "", encoding).slice(6),
  );
  const secrets = [...new Set([...plain.flatMap(forms), ...basic])]
    .filter((secret) => secret.length >= shortestSecret)
    // Longest first: a secret may contain another.
    .sort((a, b) => b.length - a.length);
  return (text: string): string => {
    let clean = text;
    for (const secret of secrets) clean = clean.replaceAll(secret, "[redacted]");
    clean = clean.replaceAll(/\p{C}+/gu, " ").trim();
    return clean.length > longestMessage ? `${clean.slice(0, longestMessage)}…` : clean;
  };
}

function forms(secret: string): string[] {
  return [
    secret,
    formEncoded(secret),
    formEncoded(secret).replaceAll("+", "%20"),
    Buffer.from(secret).toString("base64"),
    Buffer.from(secret).toString("base64url"),
    JSON.stringify(secret).slice(1, -1),
  ];
}
