/** The request that credentials are for. */
export interface RequestLine {
  readonly method: string;
  readonly url: string;
  /** What the request sends, for Digest with `auth-int`, which covers it. Default: nothing. */
  readonly body?: string | Uint8Array | undefined;
  /** Path and query as they are on the wire, where the URL would be written in another way. */
  readonly target?: string | undefined;
}

/** Headers to send, by name. */
export type Headers = Readonly<Record<string, string>>;

export interface HeaderOptions {
  readonly request?: RequestLine | undefined;
  /** Lets go of this caller's wait; what others wait for goes on. */
  readonly signal?: AbortSignal | undefined;
  /** An access token that the backend refused: never the answer again. */
  readonly rejectedToken?: string | undefined;
  /** The `WWW-Authenticate` header of a 401 that the caller was answered with. */
  readonly challenge?: string | undefined;
  /**
   * A wrapper asks, which shows every answer to `challenged` or `answered`: the first request may go
   * without credentials, where the scheme has it so.
   */
  readonly isWrapped?: boolean | undefined;
  /** Reads the request's body, for schemes that cover it; undefined where it can be read only once. */
  readonly body?: (() => Promise<Uint8Array | undefined>) | undefined;
}

/** The part of a response that an authenticator learns from. */
export interface Challenged {
  readonly status: number;
  /** The `WWW-Authenticate` header. */
  readonly challenge: string | null;
  /** What was refused before, for the same request. */
  readonly earlier: readonly Headers[];
  /** One of its headers, null where it has none of that name. */
  header(name: string): string | null;
}

/** An answer that refused nothing, or all that was sent. */
export interface Answered {
  readonly status: number;
  /** One of its headers, null where it has none of that name. */
  header(name: string): string | null;
}

/** How a request proves itself: the one thing the wrappers know of an endpoint. */
export interface Authenticator {
  headers(options: HeaderOptions): Headers | Promise<Headers>;
  /** Statuses by which the endpoint refuses credentials. Default: 401. */
  readonly refusals?: readonly number[];
  /** How often a request may be sent again. Default: once. */
  readonly mostReplays?: number;
  /**
   * Learns from a response that refused `sent`.
   * @returns whether one more try, with headers asked for anew, is worth it.
   */
  challenged(response: Challenged, sent: Headers, options: HeaderOptions): Promise<boolean>;
  /**
   * Learns from what the caller is answered; undefined where there was no answer. Left out where
   * there is nothing to learn.
   */
  answered?(answer: Answered | undefined, sent: Headers): Promise<void>;
  /**
   * Headers for where a redirect within the endpoint leads, at once, for clients that follow redirects
   * themselves. Left out where they are the same for every request.
   */
  redirected?(sent: Headers, request: RequestLine): Headers;
}
