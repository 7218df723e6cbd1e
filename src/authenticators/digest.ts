import { digestUserName } from "../configuration/digest-fields.ts";
import { type DigestEndpoint, labelOf } from "../configuration/parsed-endpoint.ts";
import {
  DigestUnavailableError,
  type DigestUnavailableReason,
  type NotReplayedReason,
} from "../errors.ts";
import type {
  Answered,
  Authenticator,
  Challenged,
  CredentialHeaders,
  HeaderOptions,
  RequestLine,
} from "../http/authenticator.ts";
import { withAbort } from "../waiting/with-abort.ts";
import type { DigestAnswer, DigestRequest, DigestSession } from "./digest/session.ts";
import { readCredentials } from "./static-credentials.ts";

/** A request as it was sent. */
interface Sent {
  readonly session: DigestSession;
  readonly request: DigestRequest;
  readonly answer: DigestAnswer;
}

/** The request that goes without credentials to get the challenge; other requests wait for it. */
interface FirstRequest {
  readonly sent: CredentialHeaders;
  readonly over: Promise<void>;
  end(): void;
}

/**
 * Answers the backend's challenge. The first request goes without credentials to get the challenge, and
 * is replayed with them; all others are sent once, until the backend wants a new nonce.
 * @see https://www.rfc-editor.org/rfc/rfc7616
 */
export class DigestAuthenticator implements Authenticator {
  readonly endpoint: DigestEndpoint;
  /** One for the challenge, and one for a nonce that was too old by then. */
  readonly mostReplays = 2;
  readonly resendsAfterChallenge = true;
  readonly #serverProofFailed: () => void;
  #session: DigestSession | undefined;
  /** The challenge's cookies, which must be sent back: some servers keep the nonce there. */
  #cookies: string | undefined;
  #first: FirstRequest | undefined;
  /** The backend has responded without a challenge: no request needs to wait for one. */
  #isOpen = false;
  readonly #sent = new WeakMap<CredentialHeaders, Sent>();

  /** @param serverProofFailed called when the backend's own proof of the password is wrong. */
  constructor(endpoint: DigestEndpoint, serverProofFailed: () => void) {
    this.endpoint = endpoint;
    this.#serverProofFailed = serverProofFailed;
  }

  async headers(options: HeaderOptions): Promise<CredentialHeaders> {
    const { request, signal, challenge, isWrapped } = options;
    signal?.throwIfAborted();
    if (request === undefined) throw this.#unavailable("no_request");
    if (challenge !== undefined) await this.#learnGiven(challenge);
    if (this.#session === undefined && isWrapped === true) {
      // It is sent twice, since the challenge comes with the first.
      if (options.isReplayable?.() === false) throw this.#unavailable("stream_body");
      if (this.#first === undefined && !this.#isOpen) return this.#begin();
      // One of many callers at once is asked for credentials, and not each of them.
      if (this.#first !== undefined) await withAbort(this.#first.over, signal);
      if (this.#session === undefined) return {};
    }
    if (this.#session === undefined) throw this.#unavailable("no_challenge");
    return this.#answer(options, request);
  }

  async challenged(
    { challenge, header }: Challenged,
    sent: CredentialHeaders,
  ): Promise<true | NotReplayedReason> {
    this.#cookies = cookiesIn(header("set-cookie")) ?? this.#cookies;
    try {
      return (await this.#learn(challenge, this.#sent.get(sent))) || "rejected_again";
    } finally {
      this.#end(sent);
    }
  }

  async answered(answer: Answered | undefined, sent: CredentialHeaders): Promise<void> {
    const { session, answer: own } = this.#sent.get(sent) ?? {};
    if (session === undefined) {
      if (answer !== undefined && answer.status !== 401) this.#isOpen = true;
      this.#end(sent);
      return;
    }
    if (answer === undefined || answer.status === 401) return;
    session.isProved = true;
    const info = answer.header("authentication-info");
    if (info === null) return;
    const { authenticationInfo } = await import("./digest/authentication-info.ts");
    const { nextNonce, rspauth } = authenticationInfo(info);
    const expected = rspauth === undefined ? undefined : own?.rspauth();
    if (expected !== undefined && rspauth !== expected) return this.#serverProofFailed();
    if (nextNonce !== undefined) session.continueWith(nextNonce);
  }

  redirected(sent: CredentialHeaders, { method, url, target }: RequestLine): CredentialHeaders {
    const before = this.#sent.get(sent);
    if (before === undefined) return sent;
    const { session } = before;
    // Where a POST became a GET, its body stayed behind.
    const body = method === before.request.method ? before.request.body : new Uint8Array();
    const request = { ...before.request, method, target: target ?? targetOf(url), body };
    const answer = session.answer(request);
    // What comes back is the answer to this.
    this.#sent.set(sent, { session, request, answer });
    return { Authorization: answer.header };
  }

  #begin(): CredentialHeaders {
    const sent = {};
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#first = { sent, over, end };
    return sent;
  }

  #end(sent: CredentialHeaders): void {
    if (this.#first?.sent !== sent) return;
    this.#first.end();
    this.#first = undefined;
  }

  async #answer(
    { signal, body }: HeaderOptions,
    { method, url, target, body: given }: NonNullable<HeaderOptions["request"]>,
  ): Promise<CredentialHeaders> {
    const { username: name, password: secret } = this.endpoint;
    const { username, password } = await readCredentials(
      this.endpoint,
      { username: name, password: secret },
      { checks: { username: digestUserName }, signal },
    );
    const isCovered = this.#session?.challenge.qop === "auth-int";
    const read = isCovered && body !== undefined ? await withAbort(body(), signal) : given;
    // Another request may have got a new challenge meanwhile.
    const session = this.#session;
    if (session === undefined) throw this.#unavailable("no_challenge");
    if (session.challenge.qop === "auth-int" && body !== undefined && read === undefined) {
      throw this.#unavailable("no_body");
    }
    const covered = {
      username,
      password,
      method,
      target: target ?? targetOf(url),
      body: typeof read === "string" ? Buffer.from(read) : (read ?? new Uint8Array()),
    };
    const answer = session.answer(covered);
    const cookie = this.#cookies;
    const headers = { Authorization: answer.header, ...(cookie && { Cookie: cookie }) };
    this.#sent.set(headers, { session, request: covered, answer });
    return headers;
  }

  /** A challenge that the caller was given, through a client of its own. */
  async #learnGiven(header: string): Promise<void> {
    const { strongestChallenge } = await import("./digest/challenge.ts");
    const { DigestSession } = await import("./digest/session.ts");
    const challenge = strongestChallenge(header);
    if (challenge === undefined) throw this.#unavailable("unsupported");
    if (challenge.nonce !== this.#session?.challenge.nonce) {
      this.#session = new DigestSession(challenge);
    }
  }

  /** @returns whether the request is worth sending again. */
  async #learn(header: string | null, rejected: Sent | undefined): Promise<boolean> {
    const { strongestChallenge } = await import("./digest/challenge.ts");
    const { DigestSession } = await import("./digest/session.ts");
    const challenge = strongestChallenge(header);
    if (challenge === undefined) return false;
    const session = this.#session;
    const isAnotherRealm = session?.challenge.realm !== challenge.realm;
    const isKnown = session?.challenge.nonce === challenge.nonce && !challenge.isStale;
    if (isAnotherRealm || (rejected?.session === session && !isKnown)) {
      this.#session = new DigestSession(challenge);
    }
    if (rejected === undefined || challenge.isStale || isAnotherRealm) return true;
    // A nonce that was good and no longer is, is too old, whether the backend says so or not. One that
    // never was good came with a wrong password: once more would only be another failed login.
    return rejected.session.isProved || rejected.session !== session;
  }

  #unavailable(reason: DigestUnavailableReason): DigestUnavailableError {
    return new DigestUnavailableError({ endpoint: labelOf(this.endpoint), reason });
  }
}

/** The names and values of cookies, as they are sent back. */
function cookiesIn(setCookie: string | null): string | undefined {
  const pairs = (setCookie ?? "").split("\n").map((cookie) => cookie.split(";")[0]?.trim() ?? "");
  const cookies = pairs.filter((pair) => pair.includes("="));
  return cookies.length === 0 ? undefined : cookies.join("; ");
}

/** Path and query, as fetch writes them. */
function targetOf(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}
