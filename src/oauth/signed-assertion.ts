import { SignJWT } from "jose";
import type { SigningKey } from "../credentials/private-key.ts";

// For a request that is sent at once; clocks may differ by less than this.
const defaultLifetimeMs = 60_000;

/** A private key, or the bytes of a shared secret. */
export interface AssertionKey extends Pick<SigningKey, "algorithm" | "keyId"> {
  readonly key: SigningKey["key"] | Uint8Array;
}

interface AssertionOptions {
  readonly lifetimeMs?: number | undefined;
  /** The header's `typ`. */
  readonly type?: string | undefined;
}

/**
 * A new assertion: its own `jti`, issued now.
 * @see https://www.rfc-editor.org/rfc/rfc7523#section-3
 */
export async function signedAssertion(
  { key, algorithm, keyId }: AssertionKey,
  claims: Readonly<Record<string, unknown>>,
  { lifetimeMs = defaultLifetimeMs, type }: AssertionOptions = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    jti: crypto.randomUUID(),
    iat: now,
    exp: now + Math.ceil(lifetimeMs / 1000),
    ...claims,
  })
    .setProtectedHeader({
      alg: algorithm,
      ...(type !== undefined && { typ: type }),
      ...(keyId !== undefined && { kid: keyId }),
    })
    .sign(key);
}
