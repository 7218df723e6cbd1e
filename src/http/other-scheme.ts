import type { Headers } from "./authenticator.ts";
import { parseChallenges } from "./www-authenticate.ts";

/** The schemes that a challenge names, in lower case, each once. */
export function schemesIn(challenge: string | null): readonly string[] {
  return [...new Set(parseChallenges(challenge).map(({ scheme }) => scheme))];
}

/** The scheme of the credentials that were sent, in lower case. */
export function schemeOf(sent: Headers): string | undefined {
  const name = Object.keys(sent).find((header) => header.toLowerCase() === "authorization");
  const value = name === undefined ? "" : (sent[name] ?? "");
  return /^([^\s,=]+) /.exec(value)?.[1]?.toLowerCase();
}

/** Whether the backend asks for something else than the credentials it was sent. */
export function namesAnotherScheme(sent: Headers, challenge: string | null): boolean {
  const used = schemeOf(sent);
  const asked = schemesIn(challenge);
  return used !== undefined && asked.length > 0 && !asked.includes(used);
}
