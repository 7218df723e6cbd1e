import { randomBytes } from "node:crypto";
import type { DigestChallenge } from "./challenge.ts";

/** What a request proves itself with, besides the challenge. */
export interface DigestRequest {
  readonly username: string;
  readonly password: string;
  readonly method: string;
  /** Path and query as they are on the wire. */
  readonly target: string;
  /** For `auth-int`, which covers it. */
  readonly body: Uint8Array;
}

export interface DigestAnswer {
  /** The value of the `Authorization` header. */
  readonly header: string;
  /** The `rspauth` of a server that knows the password, too. Not known for `auth-int`. */
  rspauth(): string | undefined;
}

/**
 * Everything from one challenge to the next. The nonce is used again with a count that grows, so that
 * a request need not be rejected first.
 * @see https://www.rfc-editor.org/rfc/rfc7616#section-3.4
 */
export class DigestSession {
  readonly challenge: DigestChallenge;
  /** Whether the server accepted an answer to this challenge. */
  isProved = false;
  #nonce: string;
  #count = 0;
  readonly #newNonce: () => string;
  /** `-sess` algorithms keep one, since it is part of the session's key. */
  readonly #first: string;

  constructor(challenge: DigestChallenge, newNonce = () => randomBytes(18).toString("base64url")) {
    this.challenge = challenge;
    this.#nonce = challenge.nonce;
    this.#newNonce = newNonce;
    this.#first = newNonce();
  }

  /** The server wants this nonce from now on. A session's key stays what it is. */
  continueWith(nonce: string): void {
    if (nonce === this.#nonce) return;
    this.#nonce = nonce;
    this.#count = 0;
  }

  /** @see https://www.rfc-editor.org/rfc/rfc7616#section-3.4.1 */
  answer(request: DigestRequest): DigestAnswer {
    const { algorithm, qop, realm, opaque, hashesUserName, isUtf8 } = this.challenge;
    const { method, target } = request;
    const { hash } = algorithm;
    const nonce = this.#nonce;
    const nc = (++this.#count).toString(16).padStart(8, "0");
    const cnonce = this.#count === 1 || algorithm.isSession ? this.#first : this.#newNonce();

    // Composed, where the server says that it compares them as UTF-8 (§4).
    const composed = (text: string) => bytes(isUtf8 ? text.normalize("NFC") : text);
    const username = composed(request.username);
    const password = composed(request.password);

    const secret = hash(latin1(`${username}:${realm}:${password}`));
    const key = algorithm.isSession
      ? hash(latin1(`${secret}:${this.challenge.nonce}:${cnonce}`))
      : secret;
    const proofOf = (what: string) => {
      const parts = qop === undefined ? [key, nonce, what] : [key, nonce, nc, cnonce, qop, what];
      return hash(latin1(parts.join(":")));
    };
    const covered = qop === "auth-int" ? `:${hash(request.body)}` : "";
    const named = hashesUserName
      ? [`username=${quoted(hash(latin1(`${username}:${realm}`)))}`, "userhash=true"]
      : [userName(username, isUtf8)];
    const header = [
      ...named,
      `realm=${quoted(realm)}`,
      `nonce=${quoted(nonce)}`,
      `uri=${quoted(target)}`,
      ...(algorithm.name === undefined ? [] : [`algorithm=${algorithm.name}`]),
      `response="${proofOf(hash(latin1(`${method}:${target}${covered}`)))}"`,
      ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
      ...(qop === undefined ? [] : [`qop=${qop}`, `nc=${nc}`]),
      ...(qop === undefined && !algorithm.isSession ? [] : [`cnonce="${cnonce}"`]),
    ].join(", ");
    return {
      header: `Digest ${header}`,
      // With auth-int it covers the response's body, which is the caller's to read.
      rspauth: () => (qop === "auth-int" ? undefined : proofOf(hash(latin1(`:${target}`)))),
    };
  }
}

/** UTF-8, one byte a character: what headers carry, and what `realm` came as. */
function bytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function latin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** @see https://www.rfc-editor.org/rfc/rfc8187#section-3.2 */
function userName(username: string, isUtf8: boolean): string {
  // Servers that don't speak of UTF-8 know no `username*`; they get the bytes, as from curl.
  if (!isUtf8 || /^[\x20-\x7e]*$/.test(username)) return `username=${quoted(username)}`;
  const escaped = username.replaceAll(
    /[^A-Za-z0-9!#$&+.^_`|~-]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
  return `username*=UTF-8''${escaped}`;
}
