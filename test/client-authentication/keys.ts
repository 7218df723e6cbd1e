import { generateKeyPairSync, type KeyObject } from "node:crypto";

/** One key pair of each kind that assertions are signed with. */
const pairs = {
  rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }),
  p256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  p384: generateKeyPairSync("ec", { namedCurve: "P-384" }),
  p521: generateKeyPairSync("ec", { namedCurve: "P-521" }),
  ed25519: generateKeyPairSync("ed25519"),
};

export type KeyKind = keyof typeof pairs;

export const privateKeys = Object.fromEntries(
  Object.entries(pairs).map(([kind, pair]) => [kind, pair.privateKey]),
) as Record<KeyKind, KeyObject>;

export const publicKeys = Object.fromEntries(
  Object.entries(pairs).map(([kind, pair]) => [kind, pair.publicKey]),
) as Record<KeyKind, KeyObject>;

/** What can be signed with which key. */
export const algorithms = [
  ["RS256", "rsa"],
  ["RS384", "rsa"],
  ["RS512", "rsa"],
  ["PS256", "rsa"],
  ["PS384", "rsa"],
  ["PS512", "rsa"],
  ["ES256", "p256"],
  ["ES384", "p384"],
  ["ES512", "p521"],
  ["EdDSA", "ed25519"],
  ["Ed25519", "ed25519"],
] as const satisfies readonly (readonly [string, KeyKind])[];

export function pem(key: KeyObject, type: "pkcs8" | "pkcs1" | "sec1" = "pkcs8"): string {
  return String(key.export({ format: "pem", type }));
}

export function jwk(key: KeyObject): { readonly [member: string]: unknown; readonly kty: string } {
  return { kty: "", ...key.export({ format: "jwk" }) };
}
