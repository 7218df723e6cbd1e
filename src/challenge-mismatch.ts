import type { EndpointType } from "./configuration/endpoint-config.ts";
import type { CredentialHeaders } from "./http/authenticator.ts";
import { schemeOf, schemesIn } from "./http/other-scheme.ts";
import type { Rejection } from "./http/replay.ts";
import { parseChallenges } from "./http/www-authenticate.ts";

/** A backend that asks for another kind of credentials than its endpoint is configured for. */
export interface ChallengeMismatch {
  /** The endpoint's `type`. */
  readonly configured: EndpointType;
  /** The schemes that the backend's challenge names; `another scheme` for one that isn't well known. */
  readonly asked: readonly string[];
  /** What is wrong, and the fix. */
  readonly message: string;
}

// A challenge is untrusted: there could be a secret in the place of the scheme's name.
const wellKnown = new Map([
  ["basic", "Basic"],
  ["bearer", "Bearer"],
  ["digest", "Digest"],
  ["dpop", "DPoP"],
  ["hoba", "HOBA"],
  ["mutual", "Mutual"],
  ["negotiate", "Negotiate"],
  ["ntlm", "NTLM"],
]);
const digestAlgorithms = /^(md5|sha-256|sha-512-256)(-sess)?$/i;

/** Whether a 401 asks for something that this endpoint will never send; undefined where it doesn't. */
export function mismatchIn(
  configured: ChallengeMismatch["configured"],
  { sent, challenge }: Pick<Rejection, "sent" | "challenge">,
): ChallengeMismatch | undefined {
  const schemes = schemesIn(challenge);
  if (schemes.length === 0) return undefined;
  const own = schemeFor(configured, sent);
  if (own !== undefined && schemes.includes(own)) {
    return own === "digest" ? unknownDigest(configured, challenge) : undefined;
  }
  // A key's header has no scheme, and its backend may name one of its own making.
  if (own === undefined && !schemes.every((scheme) => wellKnown.has(scheme))) return undefined;
  const asked = [...new Set(schemes.map((scheme) => wellKnown.get(scheme) ?? "another scheme"))];
  const kind = configured === "api_key" ? "an API key" : (wellKnown.get(own ?? "") ?? "another");
  return {
    configured,
    asked,
    message: `the backend asks for ${asked.join(" or ")}, and ${kind} is configured (type "${configured}"); ${fixFor(schemes)}`,
  };
}

/** The scheme of the credentials; a token under a header or prefix of its own is still a Bearer token. */
function schemeFor(
  configured: ChallengeMismatch["configured"],
  sent: CredentialHeaders,
): string | undefined {
  if (configured === "digest") return "digest";
  const scheme = schemeOf(sent);
  const isToken = configured === "oauth2" || configured === "bearer";
  return isToken && !wellKnown.has(scheme ?? "") ? "bearer" : scheme;
}

/** Whether a challenge names well-known schemes only. */
export function isWellKnown(challenge: string | null): boolean {
  return schemesIn(challenge).every((scheme) => wellKnown.has(scheme));
}

function unknownDigest(
  configured: ChallengeMismatch["configured"],
  challenge: string | null,
): ChallengeMismatch | undefined {
  const isKnown = parseChallenges(challenge).some(
    ({ scheme, parameters }) =>
      scheme === "digest" && digestAlgorithms.test(parameters.get("algorithm") ?? "MD5"),
  );
  if (isKnown) return undefined;
  return {
    configured,
    asked: ["Digest"],
    message:
      "the backend asks for Digest with an unsupported algorithm; have it offer SHA-512-256, SHA-256 or MD5",
  };
}

function fixFor(schemes: readonly string[]): string {
  const [fix] = schemes.flatMap((scheme) => fixes.get(scheme) ?? []);
  return `${fix ?? "ask its owner which credentials it accepts"}, or check that url is the right backend`;
}

const fixes = new Map([
  ["bearer", 'set type: "oauth2" with grantType, tokenUrl and the client\'s credentials'],
  ["dpop", "set dpop: true, for tokens that are bound to a key"],
  ["digest", 'set type: "digest" with username and password'],
  ["basic", 'set type: "basic" with username and password'],
  ["negotiate", "Kerberos isn't supported here; ask its owner for another scheme"],
  ["ntlm", "NTLM isn't supported here; ask its owner for another scheme"],
]);
