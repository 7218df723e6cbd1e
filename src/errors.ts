/** Every error that the library throws. `code` tells them apart; none ever holds a secret. */

const brand = Symbol.for("endpoint-security.error");

/** What every error is made of. */
interface ErrorDetails {
  /** The endpoint's `name`, or its `url` without query. */
  readonly endpoint?: string | undefined;
  /** Until then the same error is repeated without a request. */
  readonly nextAttemptAt?: Date | undefined;
  readonly repeated?: boolean | undefined;
}

/** The base of every error the library throws. Switch on `code`, or narrow with {@link isEndpointSecurityError}. */
export abstract class EndpointSecurityError<
  Details extends ErrorDetails = ErrorDetails,
> extends Error {
  /** Stable, machine-readable kind of the error. */
  abstract readonly code: string;
  /** Whether the same call may succeed later without a change of configuration. */
  readonly retryable: boolean;
  /** The endpoint's `name`, or its `url`. */
  readonly endpoint: string | undefined;
  /** Whether it repeats an earlier failure, without a request of its own (a cool-down). */
  readonly repeated: boolean;
  /** Until then the same error is returned without a request; undefined if the next call makes a request. */
  readonly nextAttemptAt: Date | undefined;
  readonly #details: Details;

  constructor(message: string, retryable: boolean, details: Details) {
    const { endpoint, nextAttemptAt, repeated = false } = details;
    const note =
      nextAttemptAt && repeated
        ? ` (repeated without a request; the next attempt is at ${nextAttemptAt.toISOString()})`
        : "";
    super(`${endpoint === undefined ? "" : `${endpoint}: `}${message}${note}`);
    this.retryable = retryable;
    this.endpoint = endpoint;
    this.repeated = repeated;
    this.nextAttemptAt = nextAttemptAt;
    this.#details = details;
    Object.defineProperty(this, brand, { value: true });
  }

  /**
   * The same error for a caller that calls the endpoint by another name.
   * @internal
   */
  for(endpoint: string): this {
    return endpoint === this.endpoint ? this : this.with({ endpoint } as Partial<Details>);
  }

  /**
   * The same error with the time until which it is repeated without a request.
   * @internal
   */
  withNextAttempt(nextAttemptAt: Date, { repeated = false } = {}): this {
    return this.with({ nextAttemptAt, repeated } as Partial<Details>);
  }

  /**
   * The same error with other details.
   * @internal
   */
  protected with(details: Partial<Details>): this {
    const Same = this.constructor as new (details: Details) => this;
    return new Same({ ...this.#details, ...details });
  }

  /** Everything worth logging, as plain data. */
  toJSON(): Record<string, unknown> {
    return { ...(this as object), name: this.name, message: this.message };
  }
}

/** One thing that is wrong with a configuration. */
export interface ConfigurationProblem {
  /** The field, as it is written in code: `customParameters.audience`, `resource[1]`. */
  readonly path: string;
  /** What is wrong with it. */
  readonly problem: string;
  /** What to do about it. */
  readonly fix: string;
}

/** The endpoint's configuration can't be used. `problems` holds every mistake, not only the first. */
export class ConfigurationError extends EndpointSecurityError<
  ErrorDetails & { readonly problems: readonly ConfigurationProblem[] }
> {
  override readonly name = "ConfigurationError";
  /** The configuration is wrong; `problems` lists every mistake with its fix. */
  readonly code = "invalid_configuration";
  /** Every mistake, with its path and fix. */
  readonly problems: readonly ConfigurationProblem[];

  /**
   * An error with one problem.
   * @internal
   */
  static of(problem: ConfigurationProblem, endpoint?: string): ConfigurationError {
    return new ConfigurationError({ endpoint, problems: [problem] });
  }

  constructor(
    details: ErrorDetails & {
      readonly problems: readonly ConfigurationProblem[];
    },
  ) {
    const lines = details.problems.map(({ path, problem, fix }) => `${path} ${problem}; ${fix}`);
    const [only] = lines;
    super(
      lines.length === 1
        ? `invalid configuration: ${only}`
        : `invalid configuration, ${lines.length} problems:\n${lines.map((line) => `  - ${line}`).join("\n")}`,
      false,
      details,
    );
    this.problems = details.problems;
  }
}

interface SecretDetails extends ErrorDetails {
  readonly field: string;
  readonly reason: string;
  /** The path, where it is a file. */
  readonly file?: string | undefined;
}

/**
 * A function given as a credential (`clientSecret`, `password`, …) threw, took too long, or returned
 * nothing usable; or a file that holds one could not be read.
 */
export class SecretUnavailableError extends EndpointSecurityError<SecretDetails> {
  override readonly name = "SecretUnavailableError";
  /** A function or file that holds a credential could not be read; `field` names it. */
  readonly code = "secret_unavailable";
  /** The field whose function or file failed. */
  readonly field: string;

  constructor(details: SecretDetails) {
    const { field, file, reason } = details;
    const source = file === undefined ? "function" : `file ${file}`;
    super(
      `the ${source} in ${field} ${reason}; check what it reads from, then call again`,
      true,
      details,
    );
    this.field = field;
  }
}

interface GrantDetails extends ErrorDetails {
  readonly grantType: string;
  readonly reason: string;
}

/** A grant strategy of the user's own failed: its `parameters` threw. */
export class GrantFailedError extends EndpointSecurityError<GrantDetails> {
  override readonly name = "GrantFailedError";
  /** A grant strategy of your own threw. */
  readonly code = "grant_failed";
  /** The `grantType` of the strategy. */
  readonly grantType: string;

  constructor(details: GrantDetails) {
    const { grantType, reason } = details;
    super(
      `the parameters function of the grant "${grantType}" ${reason}; fix it, then call again`,
      true,
      details,
    );
    this.grantType = grantType;
  }
}

interface RejectionDetails extends ErrorDetails {
  readonly tokenUrl: string;
  readonly status: number;
  readonly error?: string | undefined;
  readonly errorDescription?: string | undefined;
  readonly excerpt?: string | undefined;
  /** Options to try. */
  readonly hints?: readonly string[] | undefined;
}

/**
 * The token endpoint rejected the token request, and would reject it again.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export class TokenRequestRejectedError extends EndpointSecurityError<RejectionDetails> {
  override readonly name = "TokenRequestRejectedError";
  /** The token endpoint rejected the token request; `status` and `error` say why. */
  readonly code = "token_request_rejected";
  /** The token endpoint, without its query. */
  readonly tokenUrl: string;
  /** HTTP status of the token endpoint's response. */
  readonly status: number;
  /** OAuth `error`, such as `invalid_client`. */
  readonly error: string | undefined;
  /** OAuth `error_description`, without anything secret. */
  readonly errorDescription: string | undefined;
  /** The beginning of a response that is no OAuth error, in one line, without anything secret. */
  readonly excerpt: string | undefined;

  constructor(details: RejectionDetails) {
    const { error, errorDescription, excerpt, hints = [], status, tokenUrl } = details;
    const quoted = errorDescription ?? excerpt;
    const said = [error, quoted && `"${quoted}"`].filter(Boolean).join(" ");
    const more =
      error === "invalid_client" && hints.length > 0 ? `; try ${hints.join(" or ")}` : "";
    super(
      `token request rejected: ${tokenUrl} responded ${status}${said && ` ${said}`}; ${fixOf(error, status)}${more}`,
      false,
      details,
    );
    this.tokenUrl = tokenUrl;
    this.status = status;
    this.error = error;
    this.errorDescription = errorDescription;
    this.excerpt = excerpt;
  }
}

function fixOf(error: string | undefined, status: number): string {
  // A token endpoint would send an OAuth error.
  if (error === undefined && status !== 401 && status !== 403) {
    return "check tokenUrl first: it may not be the token endpoint";
  }
  switch (error) {
    case "invalid_request":
      return "check grantType, customParameters, resource and audience";
    case "invalid_client":
      return "check clientId, its secret, key or assertion, and tokenEndpointAuthMethod";
    case "invalid_grant":
      return "check the credentials of the grant (user name, password, assertion)";
    case "unauthorized_client":
    case "unsupported_grant_type":
      return "allow this grant type for the client at the authorization server";
    case "invalid_scope":
      return "check scope";
    case "invalid_target":
      return "check resource and audience";
    default:
      return "check the client's registration at the authorization server";
  }
}

/** Why a token endpoint could not be used. */
export type UnavailableReason = "network" | "dns" | "tls" | "timeout" | "status";

/** For failures that waiting may not end. */
const fixesOfPlace: Readonly<Partial<Record<UnavailableReason, string>>> = {
  dns: "check the host in tokenUrl",
  tls: "trust its authority with transport.ca (needs undici) or NODE_EXTRA_CA_CERTS, set transport.clientCertificate if it wants one, or check tokenUrl",
};

/** Why a token endpoint could not be used, as plain data. */
export interface TokenEndpointFailure {
  readonly tokenUrl: string;
  readonly reason: UnavailableReason;
  readonly said: string;
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly causeCode?: string | undefined;
  readonly excerpt?: string | undefined;
}

interface UnavailableDetails extends ErrorDetails, TokenEndpointFailure {}

/** The token endpoint could not be reached, took too long, or responded "not now" (408, 425, 429, 5xx). */
export class TokenEndpointUnavailableError extends EndpointSecurityError<UnavailableDetails> {
  override readonly name = "TokenEndpointUnavailableError";
  /** The token endpoint did not respond, or responded "not now"; `reason` says which. */
  readonly code = "token_endpoint_unavailable";
  /** The token endpoint, without its query. */
  readonly tokenUrl: string;
  /** Why it could not be used. */
  readonly reason: UnavailableReason;
  /** HTTP status, if there was a response. */
  readonly status: number | undefined;
  /** How long the token endpoint asked to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The code of the error that ended the request, such as `ECONNREFUSED`. */
  readonly causeCode: string | undefined;
  /** The beginning of a response that is no OAuth error, in one line, without anything secret. */
  readonly excerpt: string | undefined;
  readonly #said: string;

  constructor(details: UnavailableDetails) {
    const again =
      details.retryAfterMs === undefined
        ? "call again later"
        : `call again in ${Math.ceil(details.retryAfterMs / 1000)} s`;
    const fix = fixesOfPlace[details.reason];
    super(
      `the token endpoint ${details.tokenUrl} ${details.said}; ${fix ? `${fix}, or ` : ""}${again}`,
      true,
      details,
    );
    this.tokenUrl = details.tokenUrl;
    this.reason = details.reason;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.causeCode = details.causeCode;
    this.excerpt = details.excerpt;
    this.#said = details.said;
  }

  /**
   * What another process needs to report the same failure.
   * @internal
   */
  toFailure(): TokenEndpointFailure {
    const { tokenUrl, reason, status, retryAfterMs, causeCode, excerpt } = this;
    return { tokenUrl, reason, said: this.#said, status, retryAfterMs, causeCode, excerpt };
  }

  /**
   * The same error the given number of milliseconds later: `retryAfterMs` is shorter.
   * @internal
   */
  later(ms: number): this {
    const { retryAfterMs } = this;
    if (retryAfterMs === undefined) return this;
    return this.with({ retryAfterMs: Math.max(0, Math.round(retryAfterMs - ms)) });
  }
}

interface ResponseDetails extends ErrorDetails {
  readonly tokenUrl: string;
  readonly said: string;
}

/** The token endpoint responded with something that is not a usable token. */
export class InvalidTokenResponseError extends EndpointSecurityError<ResponseDetails> {
  override readonly name = "InvalidTokenResponseError";
  /** The token endpoint responded with something that is not a usable token. */
  readonly code = "invalid_token_response";
  /** The token endpoint, without its query. */
  readonly tokenUrl: string;

  constructor(details: ResponseDetails) {
    super(
      `the token endpoint ${details.tokenUrl} ${details.said}; check that tokenUrl is the token endpoint, and its response`,
      false,
      details,
    );
    this.tokenUrl = details.tokenUrl;
  }
}

/** The token had expired, or was about to, when it arrived. */
export class TokenExpiredOnArrivalError extends EndpointSecurityError<ResponseDetails> {
  override readonly name = "TokenExpiredOnArrivalError";
  /** The token had expired when it arrived. */
  readonly code = "token_expired_on_arrival";
  /** The token endpoint, without its query. */
  readonly tokenUrl: string;

  constructor(details: ResponseDetails) {
    super(
      `the token endpoint ${details.tokenUrl} ${details.said}; compare the clocks of both machines, or have longer tokens issued`,
      true,
      details,
    );
    this.tokenUrl = details.tokenUrl;
  }
}

/** Why a request whose credentials were rejected was not replayed. */
export type NotReplayedReason =
  | "body_not_replayable"
  | "renewal_limit"
  | "other_scheme"
  | "token_unavailable"
  | "insufficient_scope"
  | "rejected_again"
  | "not_renewable";

/** Why a token that the backend rejected could not be replaced. */
export type TokenRejectedReason = "same_token" | "renewal_limit";

/** The backend rejected a token, and another one can't be obtained for now. */
export class TokenRejectedError extends EndpointSecurityError<
  ResponseDetails & { readonly reason: TokenRejectedReason }
> {
  override readonly name = "TokenRejectedError";
  /** The backend rejected the token, and another one can't be obtained; `reason` says why. */
  readonly code = "token_rejected";
  /** The token endpoint, without its query. */
  readonly tokenUrl: string;
  /** The token endpoint issued the same token again, or `maxForcedRenewals` was reached. */
  readonly reason: TokenRejectedReason;

  constructor(details: ResponseDetails & { readonly reason: TokenRejectedReason }) {
    super(
      `the token endpoint ${details.tokenUrl} ${details.said}; check that backend and authorization server belong together`,
      true,
      details,
    );
    this.tokenUrl = details.tokenUrl;
    this.reason = details.reason;
  }
}

interface DestinationDetails extends ErrorDetails {
  readonly destination: string;
  readonly allowed: string;
  readonly reason: string;
}

/** A wrapped client was asked to send the endpoint's credentials to somewhere that isn't the endpoint. */
export class DestinationRefusedError extends EndpointSecurityError<DestinationDetails> {
  override readonly name = "DestinationRefusedError";
  /** A wrapped client was asked to send credentials outside the endpoint. */
  readonly code = "destination_refused";
  /** Where the request was going, without query. */
  readonly destination: string;
  /** The endpoint's `url`. */
  readonly allowed: string;
  /** Why the destination is not part of the endpoint. */
  readonly reason: string;

  constructor(details: DestinationDetails) {
    const { destination, allowed, reason } = details;
    super(
      `a request to ${destination} was not sent, because the credentials are only for ${allowed}: ${reason}; use a relative URL, or another endpoint for that address`,
      false,
      details,
    );
    this.destination = destination;
    this.allowed = allowed;
    this.reason = reason;
  }
}

/** Why a Digest header could not be made. */
export type DigestUnavailableReason =
  | "no_challenge"
  | "no_request"
  | "no_body"
  | "stream_body"
  | "unsupported";

const digestReasons: Readonly<Record<DigestUnavailableReason, string>> = {
  no_challenge:
    "the backend's challenge isn't known yet; use a wrapper, which requests it, or pass `challenge` (the WWW-Authenticate header of a 401)",
  no_request:
    "the header depends on the request; call getAuthHeaders with request: { method, url }, or use a wrapper",
  no_body:
    "the backend wants the body signed (auth-int), and a stream can be read only once; pass a string or bytes",
  stream_body:
    "the first request is sent twice, without and with credentials, and its body is a stream; send a request without a body first, or pass the body as a string or bytes",
  unsupported:
    "the challenge is not a supported Digest challenge; check that it is the WWW-Authenticate header of the backend's 401",
};

/**
 * A `digest` endpoint's header could not be made for this request.
 * @see https://www.rfc-editor.org/rfc/rfc7616
 */
export class DigestUnavailableError extends EndpointSecurityError<
  ErrorDetails & { readonly reason: DigestUnavailableReason }
> {
  override readonly name = "DigestUnavailableError";
  /** No Digest header could be made; `reason` says what is missing. */
  readonly code = "digest_unavailable";
  /** What is missing. */
  readonly reason: DigestUnavailableReason;

  constructor(details: ErrorDetails & { readonly reason: DigestUnavailableReason }) {
    super(`there is no Digest header: ${digestReasons[details.reason]}`, false, details);
    this.reason = details.reason;
  }
}

/** The instance was closed. */
export class ClosedError extends EndpointSecurityError {
  override readonly name = "ClosedError";
  /** The instance was closed. */
  readonly code = "closed";

  constructor(details: ErrorDetails = {}) {
    super("this EndpointSecurity was closed; create a new one", false, details);
  }
}

/** Every error of the library, to `switch (error.code)` on. */
export type AnyEndpointSecurityError =
  | ConfigurationError
  | SecretUnavailableError
  | GrantFailedError
  | TokenRequestRejectedError
  | TokenEndpointUnavailableError
  | InvalidTokenResponseError
  | TokenExpiredOnArrivalError
  | TokenRejectedError
  | DestinationRefusedError
  | DigestUnavailableError
  | ClosedError;

/** Whether `value` is an error of this library, from whichever copy of it. */
export function isEndpointSecurityError(value: unknown): value is AnyEndpointSecurityError {
  return value instanceof Error && brand in value;
}

/** The message without the endpoint's name in front, for where that is said already. */
export function withoutEndpoint({ message, endpoint = "" }: AnyEndpointSecurityError): string {
  return message.startsWith(`${endpoint}: `) ? message.slice(endpoint.length + 2) : message;
}
