import { TokenEndpointUnavailableError } from "../errors.ts";
import { withDeadline } from "../waiting/deadline.ts";
import { pause } from "../waiting/pause.ts";

const firstBackoffMs = 250;

export interface RetryLimits {
  /** For everything together, in milliseconds. */
  readonly timeoutMs: number;
  /** For a single attempt, in milliseconds. */
  readonly attemptTimeoutMs: number;
  /** Attempts after the first. */
  readonly retries: number;
}

/**
 * Retries if the token endpoint could not be reached or responded "not now", after a backoff with full
 * jitter or the time of `Retry-After`, within the limits. Every other response is final.
 *
 * @param late the error for an attempt, or all attempts, that took longer than the given milliseconds.
 */
export async function withRetries<T>(
  { timeoutMs, attemptTimeoutMs, retries }: RetryLimits,
  attempt: (signal: AbortSignal) => Promise<T>,
  late: (ms: number) => TokenEndpointUnavailableError,
): Promise<T> {
  const start = performance.now();
  for (let retry = 0; ; retry++) {
    const leftMs = timeoutMs - (performance.now() - start);
    if (leftMs <= 0) throw late(timeoutMs);
    try {
      const ms = Math.min(attemptTimeoutMs, leftMs);
      return await withDeadline(ms, attempt, () =>
        late(leftMs <= attemptTimeoutMs ? timeoutMs : attemptTimeoutMs),
      );
    } catch (error) {
      if (!(error instanceof TokenEndpointUnavailableError) || retry >= retries) throw error;
      const backoffMs = error.retryAfterMs ?? Math.random() * firstBackoffMs * 2 ** retry;
      // If the next attempt would be too late, the caller gets the error now.
      if (performance.now() + backoffMs - start >= timeoutMs) throw error;
      await pause(backoffMs);
    }
  }
}
