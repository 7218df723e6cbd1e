import { boundedMap } from "../bounded-map.ts";
import { type Clock, systemClock } from "../clock.ts";
import { type AnyEndpointSecurityError, TokenEndpointUnavailableError } from "../errors.ts";

const longestMs = 30_000;
// Authorization servers lock accounts whose credentials are guessed.
const firstForCredentialsMs = 10_000;
const longestForCredentialsMs = 300_000;
// A server that says "in a year" by mistake is asked again after this time, without a restart here.
export const longestRetryAfterMs = 900_000;
/** Failures of this machine: a new attempt costs the token endpoint nothing. */
/** So long after the next attempt was due nobody knows whether the outage goes on. */
const currentForMs = 1_000;
const ofThisMachine = new Set(["invalid_configuration", "secret_unavailable", "grant_failed"]);
const aboutCredentials = new Set(["invalid_client", "invalid_grant", "unauthorized_client"]);

interface Remembered {
  readonly error: AnyEndpointSecurityError;
  readonly at: number;
  readonly until: number;
  /** The pause that doubles with each rejection; an outage in between leaves it as it is. */
  readonly rejectionPauseMs: number;
  /** A request is under way to find out whether the outage has ended, and the others get its error. */
  isProbed: boolean;
}

/**
 * Failures of token requests, remembered for a while. Until then the same error is returned without a
 * request. How long depends on the kind of failure:
 *
 * - The token endpoint is unavailable: `coolDownMs` (1 s), jittered, for as long as the outage lasts. Then
 *   one request probes the token endpoint; all other callers still get the error at once.
 * - The credentials are rejected: 10 s, doubling to 5 min. Any other rejection: `coolDownMs`, doubling to
 *   30 s.
 * - `Retry-After` is obeyed in any case, up to 15 min. With `coolDownMs` 0 nothing else counts.
 *
 * A changed configuration or secret is another key, and starts fresh.
 */
export class CoolDown {
  readonly #failures = boundedMap<string, Remembered>(1_000);
  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Why it is too early for a request. */
  errorFor(key: string): AnyEndpointSecurityError | undefined {
    const remembered = this.#failures.get(key);
    if (remembered === undefined || this.#clock.monotonic() >= remembered.until) return undefined;
    return this.#repeated(remembered);
  }

  /** Whether the token endpoint was unavailable when it was last tried. */
  isOutage(key: string): boolean {
    return this.#failures.get(key)?.error instanceof TokenEndpointUnavailableError;
  }

  /** Whether that is news: the next attempt isn't long overdue. */
  isCurrentOutage(key: string): boolean {
    const until = this.#failures.get(key)?.until ?? Number.NEGATIVE_INFINITY;
    return this.isOutage(key) && this.#clock.monotonic() < until + currentForMs;
  }

  /**
   * The error of an outage, while it is too early for a request or another caller makes one. When it no
   * longer is, the caller that asks first makes the probe, and has to end it by {@link probed}.
   * @param options.joinsProbe the caller waits for the result of a probe that is under way.
   */
  errorOfOutage(key: string, { joinsProbe = false } = {}): AnyEndpointSecurityError | undefined {
    const remembered = this.#failures.get(key);
    if (!(remembered?.error instanceof TokenEndpointUnavailableError)) return undefined;
    const isBusy = remembered.isProbed && !joinsProbe;
    if (isBusy || this.#clock.monotonic() < remembered.until) return this.#repeated(remembered);
    // When nobody has asked for long, all who ask now wait for the result.
    remembered.isProbed = this.isCurrentOutage(key);
    return undefined;
  }

  /** The probe has ended, with whatever result. */
  probed(key: string): void {
    const remembered = this.#failures.get(key);
    if (remembered !== undefined) remembered.isProbed = false;
  }

  /**
   * Another process found out that the token endpoint is unavailable.
   * @returns the error, which says when the next attempt is.
   */
  learned(
    key: string,
    error: TokenEndpointUnavailableError,
    pauseMs: number,
  ): AnyEndpointSecurityError {
    const rejectionPauseMs = this.#failures.get(key)?.rejectionPauseMs ?? 0;
    const at = this.#clock.monotonic();
    const remembered = { error, at, until: at + pauseMs, rejectionPauseMs, isProbed: false };
    this.#failures.set(key, remembered);
    return this.#repeated(remembered);
  }

  /** @returns the error, which says when the next attempt is. */
  failed(
    key: string,
    error: AnyEndpointSecurityError,
    coolDownMs: number,
  ): AnyEndpointSecurityError {
    if (ofThisMachine.has(error.code)) return error;
    const before = this.#failures.get(key)?.rejectionPauseMs ?? 0;
    const at = this.#clock.monotonic();
    let pauseMs: number;
    let rejectionPauseMs = before;
    if (error instanceof TokenEndpointUnavailableError) {
      // Jittered, so that the processes of a fleet don't probe at the same moment.
      pauseMs = Math.max(
        coolDownMs * (1 - Math.random() / 4),
        Math.min(error.retryAfterMs ?? 0, longestRetryAfterMs),
      );
    } else {
      rejectionPauseMs = pauseAfterRejection(error, coolDownMs, before);
      pauseMs = rejectionPauseMs;
    }
    if (pauseMs === 0) {
      this.#failures.delete(key);
      return error;
    }
    const until = at + pauseMs;
    this.#failures.set(key, { error, at, until, rejectionPauseMs, isProbed: false });
    return error.withNextAttempt(this.#dateOf(until));
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }

  /**
   * The next attempt is this much later.
   * @returns the error until then; undefined if no failure is remembered.
   */
  putOff(key: string, byMs: number): AnyEndpointSecurityError | undefined {
    const before = this.#failures.get(key);
    if (before === undefined) return undefined;
    const until = Math.max(before.until, this.#clock.monotonic()) + byMs;
    const remembered = { ...before, until, isProbed: false };
    this.#failures.set(key, remembered);
    return this.#repeated(remembered);
  }

  /** There is a token, wherever it came from. */
  outageEnded(key: string): void {
    if (this.isOutage(key)) this.#failures.delete(key);
  }

  clear(): void {
    this.#failures.clear();
  }

  #repeated({ error, at, until }: Remembered): AnyEndpointSecurityError {
    const now = this.#clock.monotonic();
    const current = error instanceof TokenEndpointUnavailableError ? error.later(now - at) : error;
    return current.withNextAttempt(this.#dateOf(Math.max(until, now)), { repeated: true });
  }

  /** A time of the monotonic clock as a date. */
  #dateOf(monotonicMs: number): Date {
    return new Date(this.#clock.now() + monotonicMs - this.#clock.monotonic());
  }
}

function pauseAfterRejection(
  error: AnyEndpointSecurityError,
  coolDownMs: number,
  beforeMs: number,
): number {
  const isLong = coolDownMs > 0 && isAboutCredentials(error);
  const firstMs = isLong ? Math.max(coolDownMs, firstForCredentialsMs) : coolDownMs;
  const mostMs = isLong ? longestForCredentialsMs : longestMs;
  return Math.max(firstMs, Math.min(beforeMs * 2, mostMs));
}

function isAboutCredentials(error: AnyEndpointSecurityError): boolean {
  if (error.code !== "token_request_rejected") return false;
  if (error.error !== undefined) return aboutCredentials.has(error.error);
  return error.status === 401 || error.status === 403;
}
