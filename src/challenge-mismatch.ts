import { schemeOf, schemesIn } from "./http/other-scheme.ts";
import type { Refusal } from "./http/replay.ts";
import { parseChallenges } from "./http/www-authenticate.ts";

/** A backend that asks for another kind of credentials than its endpoint is configured for. */
export interface ChallengeMismatch {
  /** The endpoint's `type`. */
  readonly configured: "oauth2" | "basic" | "digest" | "api_key";
  /** The schemes that the backend's challenge names; `another scheme` for one that isn't well known. */
  readonly asked: readonly string[];
  /** What is wrong, and the mend. */
  readonly message: string;
}

// Whoever writes a challenge could write a secret where the scheme's name belongs.
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
  { sent, challenge }: Pick<Refusal, "sent" | "challenge">,
): ChallengeMismatch | undefined {
  const schemes = schemesIn(challenge);
  if (schemes.length === 0) return undefined;
  const own = configured === "digest" ? "digest" : schemeOf(sent);
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
    message: `the backend asks for ${asked.join(" or ")}, and ${kind} is configured (type "${configured}"); ${mendFor(schemes)}`,
  };
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
      "the backend asks for Digest with an algorithm that isn't known here; have it offer SHA-512-256, SHA-256 or MD5",
  };
}

function mendFor(schemes: readonly string[]): string {
  const [mend] = schemes.flatMap((scheme) => mends.get(scheme) ?? []);
  return `${mend ?? "ask its owner which credentials it takes"}, or check that url is the backend that is meant`;
}

const mends = new Map([
  ["bearer", 'set type: "oauth2" with grantType, tokenUrl and the client\'s credentials'],
  ["dpop", "set dpop: true, for tokens that are bound to a key"],
  ["digest", 'set type: "digest" with username and password'],
  ["basic", 'set type: "basic" with username and password'],
  ["negotiate", "ask its owner for another way in, since Kerberos isn't spoken here"],
  ["ntlm", "ask its owner for another way in, since NTLM isn't spoken here"],
]);
