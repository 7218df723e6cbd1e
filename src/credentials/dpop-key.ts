import { boundedMap } from "../bounded-map.ts";
import type { Check } from "../checks/check.ts";
import { type PrivateKey, privateKey, readPrivateKey, type SigningKey } from "./private-key.ts";

/** `true`, `false`, or a private key. Not a function: it could return another key than the token is bound to. */
export const dpop: Check = (value, path, problems) => {
  if (typeof value === "boolean") return;
  if (typeof value === "function") {
    problems.add(
      path,
      "must be true or a private key, got a function",
      "set true, or the private key itself",
    );
  } else privateKey(value, path, problems);
};

/** The keys that tokens of an instance are bound to. */
export class DpopKeys {
  /** Of this process: made with the first token, and known to nobody else. */
  #own: Promise<SigningKey> | undefined;
  readonly #given = boundedMap<string | object, Promise<SigningKey>>(100);

  async of(dpop: true | PrivateKey, endpoint: string): Promise<SigningKey> {
    if (dpop === true) {
      this.#own ??= ownKey(endpoint);
      return this.#own;
    }
    // The same key has the same text; an instance is itself.
    const isJwk = typeof dpop === "object" && "kty" in dpop;
    const name = isJwk ? JSON.stringify(dpop) : dpop;
    let key = this.#given.get(name);
    if (key === undefined) {
      key = read(dpop, endpoint);
      this.#given.set(name, key);
      key.catch(() => this.#given.delete(name));
    }
    return key;
  }
}

async function ownKey(endpoint: string): Promise<SigningKey> {
  const { generateKeyPairSync } = await import("node:crypto");
  return read(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey, endpoint);
}

function read(key: PrivateKey, endpoint: string): Promise<SigningKey> {
  return readPrivateKey("dpop", key, {
    endpoint,
    timeoutMs: 0,
    algorithm: undefined,
    algorithmField: "dpop",
    keyId: undefined,
  });
}
