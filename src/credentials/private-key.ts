import type { JsonWebKey, KeyObject } from "node:crypto";
import type { CryptoKey as JoseCryptoKey } from "jose";
import { type Check, quoted } from "../checks/check.ts";
import { isRecord, mustBe } from "../checks/kinds.ts";
import { unfilledTemplate } from "../checks/secret-mistake.ts";
import { ConfigurationError, type ConfigurationProblem } from "../errors.ts";
import { readWithDeadline } from "./secrets.ts";
import { algorithmsFor, algorithmsOfCryptoKey } from "./signature-algorithms.ts";

/** @see https://www.rfc-editor.org/rfc/rfc7517 */
export interface PrivateJwk extends Readonly<Partial<Record<JwkMember, string | undefined>>> {
  readonly key_ops?: readonly string[] | undefined;
  readonly ext?: boolean | undefined;
}

// biome-ignore format: one list
type JwkMember =
  | "kty" | "crv" | "d" | "x" | "y" | "n" | "e" | "p" | "q" | "dp" | "dq" | "qi" | "kid" | "alg" | "use";

/** What a `KeyObject` of `node:crypto` and a `CryptoKey` of Web Crypto have in common. */
export interface KeyInstance {
  readonly type: "private" | "public" | "secret";
}

/**
 * A private key: PEM (PKCS #8, PKCS #1 or SEC 1, not encrypted), a JWK, or a `KeyObject` or
 * `CryptoKey`.
 *
 * A `CryptoKey` that isn't extractable is known by its public half. That is read through a
 * `KeyObject`, of which Node 24 and later warn once (DEP0204).
 */
export type PrivateKey = string | PrivateJwk | KeyInstance;

/**
 * A private key, or a function that reads it.
 *
 * A function may be async. It is called for every token request, so a rotated key needs no restart.
 */
export type PrivateKeySource = PrivateKey | (() => PrivateKey | Promise<PrivateKey>);

/** A private key, ready to sign. */
export interface SigningKey {
  readonly key: KeyObject | JoseCryptoKey;
  readonly algorithm: string;
  /** The `kid` in the header of each signature. */
  readonly keyId: string | undefined;
  /** The same for the same key, in whatever form it was given, and for no other. */
  readonly identity: string;
  /** The key itself as text; undefined where it can't be exported. */
  readonly secret: string | undefined;
}

type Mistake = Omit<ConfigurationProblem, "path">;

const forms = "set PEM, a JWK, a KeyObject or a CryptoKey, or a function that returns one";

/** What can be checked of a private key without reading it. What a function returns is checked when it is called. */
export const privateKey: Check = (value, path, problems) => {
  const mistake = typeof value === "function" ? undefined : mistakeAtAGlance(value);
  if (mistake !== undefined) problems.add(path, mistake.problem, mistake.fix);
};

function mistakeAtAGlance(value: unknown): Mistake | undefined {
  if (typeof value === "string") return mistakeInPem(value);
  if (isRecord(value)) {
    if (value.kty === "oct") {
      return { problem: "is a symmetric key", fix: "set the private key of an asymmetric pair" };
    }
    if (typeof value.kty !== "string") return { problem: "is an object without kty", fix: forms };
    return typeof value.d === "string" ? undefined : publicHalf;
  }
  const type: unknown = typeof value === "object" && value !== null && Reflect.get(value, "type");
  if (type === "public") return publicHalf;
  if (type !== "private") return { problem: mustBe("a private key", value), fix: forms };
  return undefined;
}

const publicHalf: Mistake = {
  problem: "is a public key",
  fix: "set the private key that belongs to it",
};

function mistakeInPem(value: string): Mistake | undefined {
  const [, label] = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(value) ?? [];
  if (label === undefined) {
    return unfilledTemplate(value) ?? { problem: "must be PEM", fix: forms };
  }
  if (label.startsWith("ENCRYPTED") || value.includes("Proc-Type: 4,ENCRYPTED")) {
    return { problem: "is encrypted", fix: "decrypt it first, or set a KeyObject" };
  }
  if (label.includes("PUBLIC KEY") || label === "CERTIFICATE") return publicHalf;
  return undefined;
}

interface Wanted {
  readonly endpoint: string;
  readonly timeoutMs: number;
  /** What the configuration says, where it does. */
  readonly algorithm: string | undefined;
  readonly algorithmField: string;
  readonly keyId: string | undefined;
}

/**
 * Reads a private key, now.
 * @throws ConfigurationError if it is not a key, or doesn't fit the algorithm
 */
export async function readPrivateKey(
  field: string,
  source: PrivateKeySource,
  wanted: Wanted,
): Promise<SigningKey> {
  const { endpoint, timeoutMs } = wanted;
  const isFunction = typeof source === "function";
  const value = isFunction
    ? await readWithDeadline(field, source, endpoint, timeoutMs)
    : (source as PrivateKey);
  const refuse = (path: string, { problem, fix }: Mistake) =>
    ConfigurationError.of({ path, problem, fix }, endpoint);
  const path = isFunction ? `${field}()` : field;
  const mistake = mistakeAtAGlance(value);
  if (mistake !== undefined) throw refuse(path, mistake);
  const { key, jwk, canBeExported } = await loaded(value).catch(() => {
    // Not the cause: it may quote the key.
    throw refuse(path, { problem: "can't be read as a private key", fix: forms });
  });
  const given = isRecord(value) ? value : {};
  const possible = isCryptoKey(key) ? algorithmsOfCryptoKey(key.algorithm) : algorithmsFor(jwk);
  const [usual] = possible;
  if (usual === undefined) {
    const fix = "use RSA, EC on P-256, P-384 or P-521, or Ed25519";
    throw refuse(path, { problem: "is of a kind that can't sign assertions", fix });
  }
  if (jwk.kty === "RSA" && Buffer.from(String(jwk.n), "base64url").length < 256) {
    throw refuse(path, { problem: "is shorter than 2048 bits", fix: "create a longer one" });
  }
  const algorithm = wanted.algorithm ?? (typeof given.alg === "string" ? given.alg : usual);
  if (!possible.includes(algorithm)) {
    throw refuse(wanted.algorithm === undefined ? path : wanted.algorithmField, {
      problem: `doesn't fit the kind of key in ${field}`,
      fix: `choose ${quoted(possible)}, or leave it out`,
    });
  }
  const keyId = wanted.keyId ?? (typeof given.kid === "string" ? given.kid : undefined);
  const content = canonical(jwk);
  return {
    key,
    algorithm,
    keyId,
    identity: JSON.stringify([content, algorithm, keyId]),
    secret: canBeExported ? content : undefined,
  };
}

async function loaded(value: PrivateKey): Promise<{
  readonly key: KeyObject | JoseCryptoKey;
  /** The key itself where it can be exported, else its public half. */
  readonly jwk: Readonly<Record<string, unknown>>;
  readonly canBeExported: boolean;
}> {
  const { createPrivateKey, createPublicKey, KeyObject } = await import("node:crypto");
  if (isCryptoKey(value)) {
    const object = KeyObject.from(value);
    const shown = value.extractable ? object : createPublicKey(object);
    const jwk = shown.export({ format: "jwk" });
    return { key: value, jwk: { ...jwk }, canBeExported: value.extractable };
  }
  const key =
    typeof value === "string"
      ? createPrivateKey(value)
      : value instanceof KeyObject
        ? value
        : createPrivateKey({ key: value as JsonWebKey, format: "jwk" });
  return { key, jwk: { ...key.export({ format: "jwk" }) }, canBeExported: true };
}

function isCryptoKey(value: unknown): value is JoseCryptoKey {
  return typeof value === "object" && value !== null && !isRecord(value) && "extractable" in value;
}

/** Members in one order, as for a thumbprint (RFC 7638), but the private ones too. */
function canonical(jwk: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.entries(jwk).sort(([a], [b]) => (a < b ? -1 : 1)));
}
