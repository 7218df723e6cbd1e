import { errorCodeOf } from "../checks/error-code.ts";
import { shownUrl } from "../checks/url-checks.ts";
import {
  type AnyEndpointSecurityError,
  InvalidTokenResponseError,
  TokenEndpointUnavailableError,
  TokenRequestRejectedError,
  type UnavailableReason,
} from "../errors.ts";
import type { Redactor } from "./redaction.ts";

/** What a failure is about, and how to quote the response. */
export interface FailureContext {
  readonly endpoint: string;
  readonly tokenUrl: string;
  readonly redact: Redactor;
  /** The proxy of the requests: the proxy itself may be unreachable. */
  readonly proxy?: string | undefined;
  /** Options to try after `invalid_client`. */
  readonly hints?: readonly string[] | undefined;
}

/** Possibly a token or a key: no word is this long. */
const secretLike = /[\w+/=.~-]{20,}/g;

/** nock, undici's MockAgent and msw. */
const ofMocks = /NOCK|Nock:|MockNotMatched|\[MSW\]/;

const longestExcerpt = 2_000;

/** OAuth errors that mean "not now", whatever status they come with. */
const temporaryErrors = new Set(["temporarily_unavailable", "server_error", "slow_down"]);
/** OAuth errors that mean "no", whatever status they come with. */
const finalErrors = new Set([
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "invalid_target",
  "access_denied",
]);

/** The error for an unsuccessful response. */
export function failureOf(
  { status, headers }: Pick<Response, "status" | "headers">,
  body: Readonly<Record<string, unknown>> | undefined,
  { endpoint, tokenUrl, redact, hints }: FailureContext,
  text = "",
): AnyEndpointSecurityError {
  const quoted = (value: unknown) =>
    typeof value === "string" && value !== "" ? redact.quote(value) : undefined;
  const error = quoted(body?.error);
  const errorDescription = quoted(body?.error_description);
  const about = { endpoint, tokenUrl };
  const excerpt = error === undefined ? excerptOf(text, redact) : undefined;
  // 408 and 425 say "not now", too.
  const isTemporary = [408, 425, 429].includes(status) || status >= 500;
  if (
    temporaryErrors.has(error ?? "") ||
    status === 429 ||
    (isTemporary && !finalErrors.has(error ?? ""))
  ) {
    const detail = errorDescription ?? excerpt;
    const said = [error, detail && `"${detail}"`].filter(Boolean).join(" ");
    return new TokenEndpointUnavailableError({
      ...about,
      reason: "status",
      status,
      said: `responded ${status}${said && ` ${said}`}`,
      excerpt,
      retryAfterMs: retryAfterMs(headers.get("retry-after")),
    });
  }
  if (error !== undefined || (status >= 400 && status < 500)) {
    const details = { status, error, errorDescription, excerpt, hints };
    return new TokenRequestRejectedError({ ...about, ...details });
  }
  if (status >= 300 && status < 400) {
    const to = redirectTarget(headers.get("location"), tokenUrl);
    return new InvalidTokenResponseError({
      ...about,
      said: `responded ${status}, a redirect${to}, which is never followed with credentials; if that is the token endpoint, set tokenUrl to it`,
    });
  }
  const strange = hasError(body) ? " with an error that is not an OAuth error" : "";
  return new InvalidTokenResponseError({ ...about, said: `responded ${status}${strange}` });
}

/** Whether a body holds an error; some servers send an empty one beside each token. */
export function hasError(body: Readonly<Record<string, unknown>> | undefined): boolean {
  if (body === undefined || !Object.hasOwn(body, "error")) return false;
  const { error } = body;
  return !(error === null || error === "" || error === false || error === 0);
}

// A year says "never" as well as more would, and is a number that timers, dates and JSON hold.
const longestRetryAfterMs = 365 * 86_400_000;

/** @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function retryAfterMs(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), longestRetryAfterMs);
}

/**
 * The error for a request without a whole response.
 * @param during the request, or the reading of its response's body.
 */
export function transportFailure(
  error: unknown,
  { endpoint, tokenUrl, redact, proxy }: FailureContext,
  during: "request" | "answer" = "request",
): TokenEndpointUnavailableError | InvalidTokenResponseError {
  const causes = causesOf(error);
  const code = causes.map(errorCodeOf).find((found) => found !== undefined);
  if (code !== undefined && /^(Z_|ERR__|ERR_BROTLI)/.test(code)) {
    const said = `responded with a body that is not compressed as its header says (${code})`;
    return new InvalidTokenResponseError({ endpoint, tokenUrl, said });
  }
  const refusal = causes.map(refusalByProxy).find((status) => status !== undefined);
  if (refusal !== undefined) {
    const said = `could not be reached: the proxy responded ${refusal}`;
    return new TokenEndpointUnavailableError({ endpoint, tokenUrl, reason: "network", said });
  }
  // The server ended the TLS handshake.
  if (code !== undefined && /^ERR_SSL_.*_ALERT_/.test(code)) {
    const said = `rejects the TLS handshake: it may want another TLS version or client certificate (${code})`;
    return new TokenEndpointUnavailableError({ endpoint, tokenUrl, reason: "tls", said });
  }
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG") {
    const said = `doesn't speak TLS: it may be http (${code})`;
    return new TokenEndpointUnavailableError({ endpoint, tokenUrl, reason: "tls", said });
  }
  const reason = reasonOf(code);
  const detail = code ?? causes.map(({ name }) => name).find((name) => /^\w{1,60}$/.test(name));
  const text = [
    reason === "network" ? what[during] : said[reason],
    proxy && `, through the proxy ${proxy}`,
    detail && ` (${detail})`,
    messageOf(causes, code, redact),
  ];
  return new TokenEndpointUnavailableError({
    endpoint,
    tokenUrl,
    reason,
    causeCode: code,
    said: text.filter(Boolean).join(""),
  });
}

/** The error's own message, for mocks only: a mock names the request that it didn't expect. */
function messageOf(causes: readonly ErrorLike[], code: string | undefined, redact: Redactor) {
  // The message of any other fetch may hold anything, the response too.
  const mocks = causes.filter(({ name, message }) => ofMocks.test(`${code} ${name} ${message}`));
  const said = redact.quote(mocks.at(-1)?.message ?? "");
  return said === "" ? "" : `: "${said}"`;
}

/** The beginning of a body that is not an OAuth error, in one line. */
function excerptOf(text: string, redact: Redactor): string | undefined {
  // First of all: after other replacements, half a secret could remain.
  const clean = redact.quote(text, longestExcerpt);
  const plain = clean
    .replaceAll(/<[^<>]*>/g, " ")
    .replaceAll(secretLike, "[redacted]")
    .replaceAll(/\s+/g, " ")
    .trim()
    .slice(0, 300);
  if (plain === "") return undefined;
  return redact.shows(plain) ? "[redacted]" : plain;
}

function redirectTarget(location: string | null, tokenUrl: string): string {
  if (location === null || !URL.canParse(location, tokenUrl)) return "";
  const target = new URL(location, tokenUrl);
  // The path of any other scheme may be anything.
  return /^https?:$/.test(target.protocol) ? ` to ${shownUrl(target)}` : "";
}

const what = {
  request: "could not be reached",
  answer: "broke off its response",
};

const said: Record<Exclude<UnavailableReason, "network">, string> = {
  dns: "has a host name that can't be resolved",
  tls: "has a certificate that can't be trusted",
  timeout: "took too long",
  status: "is unavailable",
};

/** Recognised by its shape: in Jest, errors come from another realm. */
interface ErrorLike {
  readonly name: string;
  readonly message: string;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
}

function isErrorLike(value: unknown): value is ErrorLike {
  if (typeof value !== "object" || value === null) return false;
  const { name, message } = value as Partial<ErrorLike>;
  return typeof name === "string" && typeof message === "string";
}

function causesOf(error: unknown): ErrorLike[] {
  const causes: ErrorLike[] = [];
  for (let cause = error; isErrorLike(cause) && causes.length < 5; cause = cause.cause) {
    causes.push(cause);
    // Several addresses were tried: one failure is enough.
    const [first] = Array.isArray(cause.errors) ? cause.errors : [];
    if (isErrorLike(first)) causes.push(first);
  }
  return causes;
}

/** The status that undici has only in its message. */
function refusalByProxy({ message }: ErrorLike): string | undefined {
  return /^Proxy (?:response|Authentication Required) \((\d{3})\)/.exec(message)?.[1];
}

function reasonOf(code: string | undefined): UnavailableReason {
  if (code === undefined) return "network";
  if (/^(ENOTFOUND|EAI_)/.test(code)) return "dns";
  if (/TIMEOUT|ETIMEDOUT/.test(code)) return "timeout";
  if (
    /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO_|SIGNATURE|CRL|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)/.test(
      code,
    )
  )
    return "tls";
  return "network";
}
