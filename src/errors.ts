/** Every error the library throws, told apart by `code`. None of them ever holds a secret. */

const brand = Symbol.for("endpoint-security.error");

/** What every error is made of. */
interface ErrorDetails {
  /** The endpoint's `name`, or its `url` without query. */
  readonly endpoint?: string | undefined;
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
  readonly #details: Details;

  constructor(message: string, retryable: boolean, details: Details) {
    super(details.endpoint === undefined ? message : `${details.endpoint}: ${message}`);
    this.retryable = retryable;
    this.endpoint = details.endpoint;
    this.#details = details;
    Object.defineProperty(this, brand, { value: true });
  }

  /** The same error, told to a caller who knows the endpoint by another name. */
  for(endpoint: string): this {
    return endpoint === this.endpoint ? this : this.with({ endpoint } as Partial<Details>);
  }

  /** The same error with other details. */
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
  readonly mend: string;
}

/** The endpoint's configuration can't be used. `problems` holds every mistake, not only the first. */
export class ConfigurationError extends EndpointSecurityError<
  ErrorDetails & { readonly problems: readonly ConfigurationProblem[] }
> {
  override readonly name = "ConfigurationError";
  readonly code = "invalid_configuration";
  readonly problems: readonly ConfigurationProblem[];

  constructor(
    details: ErrorDetails & {
      readonly problems: readonly ConfigurationProblem[];
    },
  ) {
    const lines = details.problems.map(({ path, problem, mend }) => `${path} ${problem}; ${mend}`);
    const [only] = lines;
    super(
      lines.length === 1
        ? `the configuration has a mistake: ${only}`
        : `the configuration has ${lines.length} mistakes:\n${lines.map((line) => `  - ${line}`).join("\n")}`,
      false,
      details,
    );
    this.problems = details.problems;
  }
}

interface SecretDetails extends ErrorDetails {
  readonly field: string;
  readonly reason: string;
  readonly source?: "function" | "file" | undefined;
}

/**
 * A function given as a credential (`clientSecret`, `password`, …) threw, took too long, or returned
 * nothing usable; or a file that holds one could not be read.
 */
export class SecretUnavailableError extends EndpointSecurityError<SecretDetails> {
  override readonly name = "SecretUnavailableError";
  readonly code = "secret_unavailable";
  /** The field whose function or file failed. */
  readonly field: string;

  constructor(details: SecretDetails) {
    const { field, reason, source = "function" } = details;
    super(
      `the ${source} given as ${field} ${reason}; see to what it reads from, then call again`,
      true,
      details,
    );
    this.field = field;
  }
}

interface RefusalDetails extends ErrorDetails {
  readonly tokenUrl: string;
  readonly status: number;
  readonly error?: string | undefined;
  readonly errorDescription?: string | undefined;
}

/**
 * The token endpoint refused the request, and would refuse it again.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
export class TokenRequestRefusedError extends EndpointSecurityError<RefusalDetails> {
  override readonly name = "TokenRequestRefusedError";
  readonly code = "token_request_refused";
  readonly tokenUrl: string;
  /** HTTP status of the token endpoint's answer. */
  readonly status: number;
  /** OAuth `error`, such as `invalid_client`. */
  readonly error: string | undefined;
  /** OAuth `error_description`, with anything secret taken out. */
  readonly errorDescription: string | undefined;

  constructor(details: RefusalDetails) {
    const { error, errorDescription, status, tokenUrl } = details;
    const said = [error, errorDescription && `"${errorDescription}"`].filter(Boolean).join(" ");
    super(
      `the token endpoint ${tokenUrl} refused the request with ${status}${said && ` ${said}`}; ${mendOf(error, status)}`,
      false,
      details,
    );
    this.tokenUrl = tokenUrl;
    this.status = status;
    this.error = error;
    this.errorDescription = errorDescription;
  }
}

function mendOf(error: string | undefined, status: number): string {
  // An OAuth error would say more than a status does.
  if (error === undefined && [404, 405, 410].includes(status)) {
    return "check that tokenUrl is the token endpoint";
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

/** Where waiting alone may not help. */
const mendsOfPlace: Readonly<Partial<Record<UnavailableReason, string>>> = {
  dns: "check the host in tokenUrl",
  tls: "check tokenUrl, and transport.ca and transport.clientCertificate where it needs them",
};

interface UnavailableDetails extends ErrorDetails {
  readonly tokenUrl: string;
  readonly reason: UnavailableReason;
  readonly said: string;
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** The token endpoint could not be reached, took too long, or answered that it can't serve now (429, 5xx). */
export class TokenEndpointUnavailableError extends EndpointSecurityError<UnavailableDetails> {
  override readonly name = "TokenEndpointUnavailableError";
  readonly code = "token_endpoint_unavailable";
  readonly tokenUrl: string;
  readonly reason: UnavailableReason;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** How long the token endpoint asked to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(details: UnavailableDetails) {
    const again =
      details.retryAfterMs === undefined
        ? "call again later"
        : `call again in ${Math.ceil(details.retryAfterMs / 1000)} s`;
    const mend = mendsOfPlace[details.reason];
    super(
      `the token endpoint ${details.tokenUrl} ${details.said}; ${mend ? `${mend}, or ` : ""}${again}`,
      true,
      details,
    );
    this.tokenUrl = details.tokenUrl;
    this.reason = details.reason;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
  }

  /** The same error, told so many milliseconds later: less is left to wait for. */
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

/** The token endpoint answered, but with nothing that can be used as a token. */
export class InvalidTokenResponseError extends EndpointSecurityError<ResponseDetails> {
  override readonly name = "InvalidTokenResponseError";
  readonly code = "invalid_token_response";
  readonly tokenUrl: string;

  constructor(details: ResponseDetails) {
    super(
      `the token endpoint ${details.tokenUrl} ${details.said}; check that tokenUrl is the token endpoint and what it answers`,
      false,
      details,
    );
    this.tokenUrl = details.tokenUrl;
  }
}

/** The token endpoint issued a token that had expired, or was too near its end, when it arrived. */
export class TokenExpiredOnArrivalError extends EndpointSecurityError<ResponseDetails> {
  override readonly name = "TokenExpiredOnArrivalError";
  readonly code = "token_expired_on_arrival";
  readonly tokenUrl: string;

  constructor(details: ResponseDetails) {
    super(
      `the token endpoint ${details.tokenUrl} ${details.said}; compare the clocks of both machines, and lengthen the token's life`,
      true,
      details,
    );
    this.tokenUrl = details.tokenUrl;
  }
}

/** The backend refused a token, and the token endpoint has no other one to give. */
export class TokenRejectedError extends EndpointSecurityError<ResponseDetails> {
  override readonly name = "TokenRejectedError";
  readonly code = "token_rejected";
  readonly tokenUrl: string;

  constructor(details: ResponseDetails) {
    super(
      `the token endpoint ${details.tokenUrl} ${details.said}; check that backend and authorization server belong together`,
      true,
      details,
    );
    this.tokenUrl = details.tokenUrl;
  }
}

/** A wrapped client was asked to send the endpoint's credentials to somewhere that isn't the endpoint. */
export class DestinationRefusedError extends EndpointSecurityError<
  ErrorDetails & { readonly destination: string; readonly allowed: string }
> {
  override readonly name = "DestinationRefusedError";
  readonly code = "destination_refused";
  /** Where the request was going, without query. */
  readonly destination: string;
  /** The endpoint's `url`. */
  readonly allowed: string;

  constructor(
    details: ErrorDetails & {
      readonly destination: string;
      readonly allowed: string;
    },
  ) {
    super(
      `a request to ${details.destination} was not sent, because its credentials are for ${details.allowed} alone; use a relative URL, or another endpoint for that address`,
      false,
      details,
    );
    this.destination = details.destination;
    this.allowed = details.allowed;
  }
}

/** Why a Digest header could not be made. */
export type DigestUnavailableReason = "no_challenge" | "no_request" | "no_body" | "unsupported";

const digestReasons: Readonly<Record<DigestUnavailableReason, string>> = {
  no_challenge:
    "the backend's challenge isn't known yet; use a wrapper, which asks for it, or give `challenge` (the WWW-Authenticate header of a 401)",
  no_request:
    "the header depends on the request; call getAuthHeaders with request: { method, url }, or use a wrapper",
  no_body:
    "the backend wants the body covered (auth-int), and this one can be read only once; give a string or bytes in place of a stream",
  unsupported:
    "the challenge given holds no Digest challenge that can be answered; see that it is the WWW-Authenticate header of the backend's 401",
};

/**
 * A `digest` endpoint's header could not be made for this request.
 * @see https://www.rfc-editor.org/rfc/rfc7616
 */
export class DigestUnavailableError extends EndpointSecurityError<
  ErrorDetails & { readonly reason: DigestUnavailableReason }
> {
  override readonly name = "DigestUnavailableError";
  readonly code = "digest_unavailable";
  readonly reason: DigestUnavailableReason;

  constructor(details: ErrorDetails & { readonly reason: DigestUnavailableReason }) {
    super(`there is no Digest header: ${digestReasons[details.reason]}`, false, details);
    this.reason = details.reason;
  }
}

/** The instance was closed, and answers no more. */
export class ClosedError extends EndpointSecurityError {
  override readonly name = "ClosedError";
  readonly code = "closed";

  constructor(details: ErrorDetails = {}) {
    super("this EndpointSecurity was closed; make a new one", false, details);
  }
}

/** Every error of the library, to `switch (error.code)` on. */
export type AnyEndpointSecurityError =
  | ConfigurationError
  | SecretUnavailableError
  | TokenRequestRefusedError
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
