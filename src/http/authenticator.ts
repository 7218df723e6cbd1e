/** The request that credentials are for. */
export interface RequestLine {
  readonly method: string;
  readonly url: string;
}

/** Headers to send, by name. */
export type Headers = Readonly<Record<string, string>>;

export interface HeaderOptions {
  readonly request?: RequestLine | undefined;
  /** Lets go of this caller's wait; what others wait for goes on. */
  readonly signal?: AbortSignal | undefined;
  /** An access token that the backend refused: never the answer again. */
  readonly rejectedToken?: string | undefined;
}

/** The part of a response that an authenticator learns from. */
export interface Challenged {
  readonly status: number;
  /** The `WWW-Authenticate` header. */
  readonly challenge: string | null;
  /** What was refused before, for the same request. */
  readonly earlier: readonly Headers[];
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
}
