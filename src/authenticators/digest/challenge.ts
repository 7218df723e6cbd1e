import { parseChallenges } from "../../http/www-authenticate.ts";
import { type DigestAlgorithm, digestAlgorithm } from "./algorithms.ts";

type QualityOfProtection = "auth" | "auth-int";

/**
 * A Digest challenge that can be answered.
 * @see https://www.rfc-editor.org/rfc/rfc7616#section-3.3
 */
export interface DigestChallenge {
  /** Bytes as they came, one a character. */
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly algorithm: DigestAlgorithm;
  /** Undefined where the server speaks RFC 2069, which has none. */
  readonly qop: QualityOfProtection | undefined;
  /** The nonce was too old, and the credentials were not looked at. */
  readonly isStale: boolean;
  /** The server wants the user name hashed. */
  readonly hashesUserName: boolean;
  /** The server says that it reads names and passwords as UTF-8. */
  readonly isUtf8: boolean;
}

/** The strongest challenge that can be answered; among equals the first, which the server prefers. */
export function strongestChallenge(header: string | null): DigestChallenge | undefined {
  let best: DigestChallenge | undefined;
  for (const { scheme, parameters } of parseChallenges(header)) {
    const challenge = scheme === "digest" ? challengeOf(parameters) : undefined;
    if (challenge === undefined) continue;
    if (best === undefined || challenge.algorithm.strength > best.algorithm.strength) {
      best = challenge;
    }
  }
  return best;
}

function challengeOf(parameters: ReadonlyMap<string, string>): DigestChallenge | undefined {
  const algorithm = digestAlgorithm(parameters.get("algorithm"));
  const nonce = parameters.get("nonce");
  const qop = qopOf(parameters.get("qop"));
  if (algorithm === undefined || nonce === undefined || qop === "unknown") return undefined;
  const isTrue = (name: string) => parameters.get(name)?.toLowerCase() === "true";
  return {
    realm: parameters.get("realm") ?? "",
    nonce,
    opaque: parameters.get("opaque"),
    algorithm,
    qop,
    isStale: isTrue("stale"),
    hashesUserName: isTrue("userhash"),
    isUtf8: parameters.get("charset")?.toLowerCase() === "utf-8",
  };
}

/** `auth` where it is offered: it needs no body in memory. */
function qopOf(offered: string | undefined): QualityOfProtection | undefined | "unknown" {
  const options = (offered ?? "").toLowerCase().split(/[\s,]+/);
  if (options.includes("auth")) return "auth";
  if (options.includes("auth-int")) return "auth-int";
  return options.every((option) => option === "") ? undefined : "unknown";
}
