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
}

/** How a request proves itself: the one thing the wrappers know of an endpoint. */
export interface Authenticator {
  headers(options: HeaderOptions): Headers | Promise<Headers>;
  /**
   * Learns from a response that refused `sent`.
   * @returns whether one more try, with new headers, is worth it.
   */
  challenged(response: Challenged, sent: Headers, options: HeaderOptions): Promise<boolean>;
}
