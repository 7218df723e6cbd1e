/** Signatures by a private key, and by a shared secret. */
export type PrivateKeyAlgorithm =
  | "RS256"
  | "RS384"
  | "RS512"
  | "PS256"
  | "PS384"
  | "PS512"
  | "ES256"
  | "ES384"
  | "ES512"
  | "EdDSA"
  | "Ed25519";
export type SecretAlgorithm = "HS256" | "HS384" | "HS512";

/** How assertions are signed with a secret by default. */
export const defaultSecretAlgorithm = "HS256";

export const secretAlgorithms: readonly string[] = ["HS256", "HS384", "HS512"];

const rsaAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const curves: Readonly<Record<string, readonly string[]>> = {
  "P-256": ["ES256"],
  "P-384": ["ES384"],
  "P-521": ["ES512"],
  Ed25519: ["EdDSA", "Ed25519"],
};

export const privateKeyAlgorithms: readonly string[] = [
  ...rsaAlgorithms,
  ...Object.values(curves).flat(),
];

/**
 * What a key can sign with, the usual first; empty for a key that no server takes.
 * @see https://www.rfc-editor.org/rfc/rfc7518#section-3.1
 * @see https://www.rfc-editor.org/rfc/rfc8037#section-3.1
 */
export function algorithmsFor(jwk: {
  readonly kty?: unknown;
  readonly crv?: unknown;
}): readonly string[] {
  if (jwk.kty === "RSA") return rsaAlgorithms;
  return (typeof jwk.crv === "string" ? curves[jwk.crv] : undefined) ?? [];
}

/** What a key of Web Crypto was made for; it signs nothing else. */
export function algorithmsOfCryptoKey(algorithm: {
  readonly name: string;
  readonly hash?: { readonly name: string };
  readonly namedCurve?: string;
}): readonly string[] {
  const bits = algorithm.hash?.name.replace("SHA-", "") ?? "";
  switch (algorithm.name) {
    case "RSASSA-PKCS1-v1_5":
      return rsaAlgorithms.filter((name) => name === `RS${bits}`);
    case "RSA-PSS":
      return rsaAlgorithms.filter((name) => name === `PS${bits}`);
    case "ECDSA":
      return curves[algorithm.namedCurve ?? ""] ?? [];
    default:
      return curves[algorithm.name] ?? [];
  }
}
