import type { JWK } from "jose";
import { boundedMap } from "../bounded-map.ts";
import type { SigningKey } from "../credentials/private-key.ts";

/** What a nonce is good for: authorization servers and backends have their own, even on one origin. */
type Audience = "token_endpoint" | "backend";

/** What a proof is for. */
export interface Proven {
  readonly key: SigningKey;
  readonly audience: Audience;
  readonly method: string;
  readonly url: string;
  /** The token that the proof goes with. */
  readonly accessToken?: string;
}

/**
 * Proofs that the sender of a token has its key, and the nonces that servers want in them.
 * @see https://www.rfc-editor.org/rfc/rfc9449
 */
export class DpopProofs {
  readonly #nonces = boundedMap<string, string>(1_000);
  readonly #publicKeys = new WeakMap<SigningKey, Promise<JWK>>();

  /** A new proof, for one request. @see https://www.rfc-editor.org/rfc/rfc9449#section-4.2 */
  async proof({ key, audience, method, url, accessToken }: Proven): Promise<string> {
    const { SignJWT } = await import("jose");
    const target = new URL(url);
    const nonce = this.nonceFor(audience, url);
    return new SignJWT({
      htm: method,
      // Without query and fragment.
      htu: `${target.origin}${target.pathname}`,
      jti: crypto.randomUUID(),
      iat: Math.floor(Date.now() / 1_000),
      ...(nonce !== undefined && { nonce }),
      ...(accessToken !== undefined && { ath: await hashOf(accessToken) }),
    })
      .setProtectedHeader({ typ: "dpop+jwt", alg: key.algorithm, jwk: await this.#publicKey(key) })
      .sign(key.key);
  }

  /**
   * Takes the nonce that a server wants in the next proof.
   * @see https://www.rfc-editor.org/rfc/rfc9449#section-8
   */
  learn(audience: Audience, url: string, nonce: string | null): void {
    if (nonce === null || !/^[\x21\x23-\x5b\x5d-\x7e]{1,1024}$/.test(nonce)) return;
    this.#nonces.set(nameOf(audience, url), nonce);
  }

  /** Which nonce a proof for there has now. */
  nonceFor(audience: Audience, url: string): string | undefined {
    return this.#nonces.get(nameOf(audience, url));
  }

  #publicKey(key: SigningKey): Promise<JWK> {
    let jwk = this.#publicKeys.get(key);
    if (jwk === undefined) {
      jwk = publicHalf(key);
      this.#publicKeys.set(key, jwk);
    }
    return jwk;
  }
}

async function publicHalf({ key }: SigningKey): Promise<JWK> {
  const { createPublicKey, KeyObject } = await import("node:crypto");
  // A key that can't be exported has a public half that can.
  const object = key instanceof KeyObject ? key : KeyObject.from(key);
  return { ...createPublicKey(object).export({ format: "jwk" }) } as JWK;
}

async function hashOf(accessToken: string): Promise<string> {
  const { createHash } = await import("node:crypto");
  return createHash("sha256").update(accessToken, "latin1").digest("base64url");
}

function nameOf(audience: Audience, url: string): string {
  return `${audience} ${new URL(url).origin}`;
}
