import { digestUserName } from "../endpoint/fields.ts";
import type { KnownEndpoint } from "../endpoint/known-endpoint.ts";
import { Problems } from "../endpoint/problems.ts";
import {
  ConfigurationError,
  DigestUnavailableError,
  type DigestUnavailableReason,
} from "../errors.ts";
import type {
  Answered,
  Authenticator,
  Challenged,
  HeaderOptions,
  Headers,
  RequestLine,
} from "../http/authenticator.ts";
import { abandonable } from "../tokens/abandonable.ts";
import type { DigestAnswer, DigestRequest, DigestSession } from "./digest/session.ts";

/** What a request was sent with, and what it will be told by. */
interface Sent {
  readonly session: DigestSession;
  readonly request: DigestRequest;
  readonly answer: DigestAnswer;
}

/** The request that goes without credentials to be asked for them, and those that wait for it. */
interface FirstRequest {
  readonly sent: Headers;
  readonly over: Promise<void>;
  end(): void;
}

/**
 * Answers the backend's challenge. The first request goes without credentials, as the protocol has
 * it, and is sent again with them; all others are sent once, until the backend wants a new nonce.
 * @see https://www.rfc-editor.org/rfc/rfc7616
 */
export class DigestAuthenticator implements Authenticator {
  readonly known: KnownEndpoint;
  /** To be asked for credentials, and for others where the nonce was too old by then. */
  readonly mostReplays = 2;
  readonly #serverProofFailed: () => void;
  #session: DigestSession | undefined;
  #first: FirstRequest | undefined;
  /** The backend has answered without asking for credentials: nobody need wait to be asked. */
  #isOpen = false;
  readonly #sent = new WeakMap<Headers, Sent>();

  /** @param serverProofFailed told when the backend's own proof of the password is wrong. */
  constructor(known: KnownEndpoint, serverProofFailed: () => void) {
    this.known = known;
    this.#serverProofFailed = serverProofFailed;
  }

  async headers(options: HeaderOptions): Promise<Headers> {
    const { request, signal, challenge, isWrapped } = options;
    signal?.throwIfAborted();
    if (request === undefined) throw this.#unavailable("no_request");
    if (challenge !== undefined) await this.#learnGiven(challenge);
    if (this.#session === undefined && isWrapped === true) {
      if (this.#first === undefined && !this.#isOpen) return this.#begin();
      // One of many callers at once is asked for credentials, and not each of them.
      if (this.#first !== undefined) await abandonable(this.#first.over, signal);
      if (this.#session === undefined) return {};
    }
    if (this.#session === undefined) throw this.#unavailable("no_challenge");
    return this.#answer(options, request);
  }

  async challenged({ challenge }: Challenged, sent: Headers): Promise<boolean> {
    try {
      return await this.#learn(challenge, this.#sent.get(sent));
    } finally {
      this.#end(sent);
    }
  }

  async answered(answer: Answered | undefined, sent: Headers): Promise<void> {
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

  redirected(sent: Headers, { method, url, target }: RequestLine): Headers {
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

  #begin(): Headers {
    const sent = {};
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#first = { sent, over, end };
    return sent;
  }

  #end(sent: Headers): void {
    if (this.#first?.sent !== sent) return;
    this.#first.end();
    this.#first = undefined;
  }

  async #answer(
    { signal, body }: HeaderOptions,
    { method, url, target, body: given }: NonNullable<HeaderOptions["request"]>,
  ): Promise<Headers> {
    const { username = "", password = "" } = await abandonable(
      this.known.credentials(["username", "password"]),
      signal,
    );
    const problems = new Problems();
    digestUserName(username, "username()", problems);
    if (problems.list.length > 0) {
      throw new ConfigurationError({ endpoint: this.known.label, problems: problems.list });
    }
    const isCovered = this.#session?.challenge.qop === "auth-int";
    const read = isCovered && body !== undefined ? await abandonable(body(), signal) : given;
    // Others may have brought a new challenge meanwhile.
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
    const headers = { Authorization: answer.header };
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
  async #learn(header: string | null, refused: Sent | undefined): Promise<boolean> {
    const { strongestChallenge } = await import("./digest/challenge.ts");
    const { DigestSession } = await import("./digest/session.ts");
    const challenge = strongestChallenge(header);
    if (challenge === undefined) return false;
    const session = this.#session;
    const isAnotherRealm = session?.challenge.realm !== challenge.realm;
    const isKnown = session?.challenge.nonce === challenge.nonce && !challenge.isStale;
    if (isAnotherRealm || (refused?.session === session && !isKnown)) {
      this.#session = new DigestSession(challenge);
    }
    if (refused === undefined || challenge.isStale || isAnotherRealm) return true;
    // A nonce that was good and no longer is, is too old, whether the backend says so or not. One that
    // never was good came with a wrong password: once more would only be another failed login.
    return refused.session.isProved || refused.session !== session;
  }

  #unavailable(reason: DigestUnavailableReason): DigestUnavailableError {
    return new DigestUnavailableError({ endpoint: this.known.label, reason });
  }
}

/** Path and query, as fetch writes them. */
function targetOf(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}
