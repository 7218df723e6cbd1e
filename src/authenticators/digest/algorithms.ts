import { createHash, getHashes } from "node:crypto";

/** A hash function of RFC 7616, and what it is used for. */
export interface DigestAlgorithm {
  /** As the challenge spells it; undefined where it names none, which means MD5. */
  readonly name: string | undefined;
  /** `-sess`: the password's hash is mixed with the session's first nonces. */
  readonly isSession: boolean;
  /** The larger the stronger. */
  readonly strength: number;
  /** As lower-case hexadecimal digits. */
  hash(data: string | Uint8Array): string;
}

/** What Node calls them, the weakest first. */
const hashes = new Map([
  ["md5", "md5"],
  ["sha-256", "sha256"],
  ["sha-512-256", "sha512-256"],
]);

/**
 * The algorithm of that name, or undefined where this Node doesn't have it.
 * @see https://www.rfc-editor.org/rfc/rfc7616#section-6.1
 */
export function digestAlgorithm(name: string | undefined): DigestAlgorithm | undefined {
  const asked = (name ?? "MD5").toLowerCase();
  const plain = asked.replace(/-sess$/, "");
  const ofNode = hashes.get(plain);
  // A Node built for FIPS has no MD5, and not every OpenSSL has SHA-512/256.
  if (ofNode === undefined || !getHashes().includes(ofNode)) return undefined;
  return {
    name,
    isSession: asked !== plain,
    strength: [...hashes.keys()].indexOf(plain),
    hash: (data) => createHash(ofNode).update(data).digest("hex"),
  };
}
