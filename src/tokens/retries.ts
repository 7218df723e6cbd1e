import { withDeadline } from "../endpoint/deadline.ts";
import { TokenEndpointUnavailableError } from "../errors.ts";

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
 * Tries again where the token endpoint could not be reached or said "not now", after a backoff with
 * full jitter or as long as it asked for, and for no longer than the limits. Whatever else it says
 * is final.
 *
 * @param late the error for an attempt, or all of them, that took longer than so many milliseconds.
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
      // Who may not ask in time is told now, and for how long.
      if (performance.now() + backoffMs - start >= timeoutMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, backoffMs));
    }
  }
}
