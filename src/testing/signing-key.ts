import {
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
} from "node:crypto";

/** A key that signs the tokens of one test server (ES256). */
export class SigningKey {
  readonly #privateKey: KeyObject;
  readonly #id = randomUUID();

  constructor() {
    this.#privateKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  }

  /** The public key, for a JWKS. */
  get jwk(): object {
    const key = createPublicKey(this.#privateKey).export({ format: "jwk" });
    return { ...key, kid: this.#id, alg: "ES256", use: "sig" };
  }

  jwt(claims: object): string {
    const signed = [{ alg: "ES256", typ: "at+jwt", kid: this.#id }, claims].map(encoded).join(".");
    const key = { key: this.#privateKey, dsaEncoding: "ieee-p1363" } as const;
    return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
  }
}

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
