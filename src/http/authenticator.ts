import type { NotReplayedReason } from "../errors.ts";

/** The request that credentials are for. */
export interface RequestLine {
  readonly method: string;
  readonly url: string;
  /** What the request sends, for Digest with `auth-int`, which covers it. Default: nothing. */
  readonly body?: string | Uint8Array | undefined;
  /** Path and query as they are on the wire, where the URL would be written in another way. */
  readonly target?: string | undefined;
}

/** The headers that carry credentials, by name. */
export type CredentialHeaders = Readonly<Record<string, string>>;

export interface HeaderOptions {
  readonly request?: RequestLine | undefined;
  /** Ends this caller's wait; the shared request continues. */
  readonly signal?: AbortSignal | undefined;
  /** An access token that the backend rejected: the result is another one. */
  readonly rejectedToken?: string | undefined;
  /** The `WWW-Authenticate` header of a 401 that the caller got. */
  readonly challenge?: string | undefined;
  /**
   * A wrapper asks, which passes every response to `challenged` or `answered`: the first request may go
   * without credentials, if the scheme wants that.
   */
  readonly isWrapped?: boolean | undefined;
  /** Whether the body can be sent more than once. Left out where there is none. */
  readonly isReplayable?: (() => boolean) | undefined;
  /** Reads the request's body, for schemes that cover it; undefined where it can be read only once. */
  readonly body?: (() => Promise<Uint8Array | undefined>) | undefined;
}

/** The part of a response that an authenticator learns from. */
export interface Challenged {
  readonly status: number;
  /** The `WWW-Authenticate` header. */
  readonly challenge: string | null;
  /** The credentials that were rejected before, for the same request. */
  readonly earlier: readonly CredentialHeaders[];
  /** One of its headers, null where it has none of that name. Cookies are joined by line breaks. */
  header(name: string): string | null;
}

/** The response that the caller gets. */
export interface Answered {
  readonly status: number;
  /** One of its headers, null where it has none of that name. */
  header(name: string): string | null;
}

/** Credentials that are sent in the URL's query. */
export interface CredentialsInUrl {
  addTo(url: string, signal: AbortSignal | undefined): Promise<string>;
  /** The URL without them: a redirect may have copied the query. */
  removeFrom(url: string): string;
}

/** How a request proves itself: the one thing the wrappers know of an endpoint. */
export interface Authenticator {
  headers(options: HeaderOptions): CredentialHeaders | Promise<CredentialHeaders>;
  /** Statuses by which the backend rejects credentials. Default: 401. */
  readonly rejectionStatuses?: readonly number[];
  /**
   * Whether a replay is worth one more try where the connection ended before a response: the server
   * may have closed it after the challenge without saying so.
   */
  readonly resendsAfterChallenge?: boolean;
  /** Whether its headers are for one URL and signed asynchronously, so that no redirect may take them along. */
  readonly provesEachRequest?: boolean;
  /** The credentials as part of the URL. Left out where they are headers alone. */
  readonly inUrl?: CredentialsInUrl | undefined;
  /** How often a request may be replayed. Default: once. */
  readonly mostReplays?: number;
  /**
   * Learns from a response that rejected `sent`.
   * @returns true where a replay with new headers may help, else why not.
   */
  challenged(
    response: Challenged,
    sent: CredentialHeaders,
    options: HeaderOptions,
  ): Promise<true | NotReplayedReason>;
  /**
   * Learns from the response that the caller gets; undefined if there was none. Left out if there is
   * nothing to learn.
   */
  answered?(answer: Answered | undefined, sent: CredentialHeaders): Promise<void>;
  /**
   * Headers for the target of a redirect within the endpoint, without waiting, for clients that follow redirects
   * themselves. Left out where they are the same for every request.
   */
  redirected?(sent: CredentialHeaders, request: RequestLine): CredentialHeaders;
}
