import { ConfigurationError } from "./errors.ts";
import type { RequestLine } from "./http/authenticator.ts";

/** Options of a single call. */
export interface CallOptions {
  /** Ends this caller's wait with the signal's reason. The shared token request continues. */
  readonly signal?: AbortSignal | undefined;
  /** An access token that the backend rejected, or the header that held it: the result is another one. */
  readonly rejectedToken?: string | undefined;
}

/** Options of `getAuthHeaders`. */
export interface HeadersOptions extends CallOptions {
  /** The request that the headers are for. `digest` endpoints and `dpop` need it. */
  readonly request?: RequestLine | undefined;
  /**
   * The `WWW-Authenticate` header of a 401 from the backend, for `digest` endpoints: they have no header
   * before the first challenge. The wrappers pass it on themselves.
   */
  readonly challenge?: string | undefined;
}

/** @throws ConfigurationError */
export function checkRequest(request: RequestLine | undefined): void {
  if (request === undefined || URL.canParse(request.url)) return;
  throw ConfigurationError.of({
    path: "request.url",
    problem: "must be an absolute URL",
    fix: 'write it as "https://host/path"',
  });
}
