import type { CredentialHeaders } from "./authenticator.ts";
import { parseChallenges } from "./www-authenticate.ts";

/** The schemes that a challenge names, in lower case, each once. */
export function schemesIn(challenge: string | null): readonly string[] {
  return [...new Set(parseChallenges(challenge).map(({ scheme }) => scheme))];
}

/** The credential that was sent, in whichever header; undefined where none was. */
export function credentialIn(sent: CredentialHeaders): string | undefined {
  return sent.Authorization ?? Object.values(sent)[0];
}

/** The scheme of the credentials that were sent, in lower case. */
export function schemeOf(sent: CredentialHeaders): string | undefined {
  const name = Object.keys(sent).find((header) => header.toLowerCase() === "authorization");
  const value = name === undefined ? "" : (sent[name] ?? "");
  return /^([^\s,=]+) /.exec(value)?.[1]?.toLowerCase();
}

/** Schemes of the credentials that are sent here; any other one is an endpoint's own prefix. */
const standard = new Set(["basic", "bearer", "digest", "dpop"]);

/** Whether the backend asks for something else than the credentials it was sent. */
export function namesAnotherScheme(sent: CredentialHeaders, challenge: string | null): boolean {
  const used = schemeOf(sent);
  const asked = schemesIn(challenge);
  return standard.has(used ?? "") && asked.length > 0 && !asked.includes(used ?? "");
}

/**
 * Whether the challenge says that the token is at fault, under whatever scheme (`OAuth2` at some).
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1
 */
export function blamesToken(challenge: string | null): boolean {
  return parseChallenges(challenge).some(
    ({ parameters }) => parameters.get("error") === "invalid_token",
  );
}
