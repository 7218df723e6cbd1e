import {
  type AnyEndpointSecurityError,
  InvalidTokenResponseError,
  TokenEndpointUnavailableError,
  TokenRequestRefusedError,
  type UnavailableReason,
} from "../errors.ts";
import type { Redactor } from "./redaction.ts";

/** Whom a failure is about, and how to quote what others said of it. */
export interface FailureContext {
  readonly endpoint: string;
  readonly tokenUrl: string;
  readonly redact: Redactor;
  /** Requests go through a proxy, which may be what can't be reached. */
  readonly byProxy?: boolean;
}

/** OAuth errors that mean "not now", whatever status they come with. */
const passing = new Set(["temporarily_unavailable", "server_error", "slow_down"]);
/** OAuth errors that mean "no", whatever status they come with. */
const final = new Set([
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "invalid_target",
  "access_denied",
]);

/** The error that an unsuccessful answer stands for. */
export function failureOf(
  { status, headers }: Pick<Response, "status" | "headers">,
  body: Readonly<Record<string, unknown>> | undefined,
  { endpoint, tokenUrl, redact }: FailureContext,
): AnyEndpointSecurityError {
  const quoted = (value: unknown) =>
    typeof value === "string" && value !== "" ? redact.quote(value) : undefined;
  const error = quoted(body?.error);
  const errorDescription = quoted(body?.error_description);
  const about = { endpoint, tokenUrl };
  const busy = status === 429 || status >= 500;
  if (passing.has(error ?? "") || status === 429 || (busy && !final.has(error ?? ""))) {
    const said = [error, errorDescription && `"${errorDescription}"`].filter(Boolean).join(" ");
    return new TokenEndpointUnavailableError({
      ...about,
      reason: "status",
      status,
      said: `answered ${status}${said && ` ${said}`}`,
      retryAfterMs: retryAfterMs(headers.get("retry-after")),
    });
  }
  if (error !== undefined || (status >= 400 && status < 500)) {
    return new TokenRequestRefusedError({ ...about, status, error, errorDescription });
  }
  if (status >= 300 && status < 400) {
    return new InvalidTokenResponseError({
      ...about,
      said: `answered ${status}, a redirect, which is never followed with credentials`,
    });
  }
  const strange = isErrorTold(body) ? " with an error that is none of OAuth's" : "";
  return new InvalidTokenResponseError({ ...about, said: `answered ${status}${strange}` });
}

/** Whether a body tells of an error; some servers write one that is empty beside each token. */
export function isErrorTold(body: Readonly<Record<string, unknown>> | undefined): boolean {
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
 * The error that a request without a whole answer stands for.
 * @param during what was going on: the request, or the reading of its answer's body.
 */
export function transportFailure(
  error: unknown,
  { endpoint, tokenUrl, byProxy = false }: Omit<FailureContext, "redact">,
  during: "request" | "answer" = "request",
): TokenEndpointUnavailableError | InvalidTokenResponseError {
  const causes = causesOf(error);
  const code = causes.map(codeOf).find((found) => found !== undefined);
  if (code !== undefined && /^(Z_|ERR__|ERR_BROTLI)/.test(code)) {
    const said = `answered with a body that is not compressed as it says (${code})`;
    return new InvalidTokenResponseError({ endpoint, tokenUrl, said });
  }
  const refusal = causes.map(refusalByProxy).find((status) => status !== undefined);
  if (refusal !== undefined) {
    const said = `could not be reached: the proxy answered ${refusal}`;
    return new TokenEndpointUnavailableError({ endpoint, tokenUrl, reason: "network", said });
  }
  // What the other side says when it ends a handshake.
  if (code !== undefined && /^ERR_SSL_.*_ALERT_/.test(code)) {
    const said = `refuses the connection: TLS version or client certificate don't suit it (${code})`;
    return new TokenEndpointUnavailableError({ endpoint, tokenUrl, reason: "tls", said });
  }
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG") {
    const said = `doesn't speak TLS: it may be http (${code})`;
    return new TokenEndpointUnavailableError({ endpoint, tokenUrl, reason: "tls", said });
  }
  const reason = reasonOf(code);
  // Not the message: a fetch that was given may say anything there, also what it was sent.
  const detail = code ?? causes.map(({ name }) => name).find((name) => /^\w{1,60}$/.test(name));
  return new TokenEndpointUnavailableError({
    endpoint,
    tokenUrl,
    reason,
    said: `${reason === "network" ? what[during] : said[reason]}${byProxy ? ", by way of the proxy" : ""}${detail && ` (${detail})`}`,
  });
}

const what = {
  request: "could not be reached",
  answer: "broke off its answer",
};

const said: Record<Exclude<UnavailableReason, "network">, string> = {
  dns: "has a host name that can't be resolved",
  tls: "has a certificate that can't be trusted",
  timeout: "took too long",
  status: "can't serve now",
};

function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let cause = error; cause instanceof Error && causes.length < 5; cause = cause.cause) {
    causes.push(cause);
    // Several addresses were tried: any of the failures tells enough.
    if (cause instanceof AggregateError && cause.errors[0] instanceof Error) {
      causes.push(cause.errors[0]);
    }
  }
  return causes;
}

function codeOf(error: Error): string | undefined {
  const code: unknown = Reflect.get(error, "code");
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{0,60}$/.test(code) ? code : undefined;
}

/** The status that undici tells in its message alone. */
function refusalByProxy({ message }: Error): string | undefined {
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
