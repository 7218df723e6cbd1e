import { boundedMap } from "../bounded-map.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";

const shortestPauseMs = 12;
const longestPauseMs = 250;
/** No token request takes less than that, with everything around it. */
const shortestRequestMs = 30;

/**
 * When a process looks whether the holder of a lease has written the token. The pauses follow how long
 * that took the last time; without that they grow with the time waited, so that little is waited in vain
 * and a slow token endpoint costs few looks.
 */
export class LeaseWaits {
  readonly #lastMs = boundedMap<string, number>(1_000);

  begin({ identity, settings }: ResolvedEndpoint): LeaseWait {
    return new LeaseWait({
      timeoutMs: settings.tokenRequest.timeoutMs,
      expectedMs: this.#lastMs.get(identity) ?? shortestRequestMs,
      succeeded: (ms) => this.#lastMs.set(identity, ms),
    });
  }
}

interface Expectations {
  readonly timeoutMs: number;
  readonly expectedMs: number;
  readonly succeeded: (ms: number) => void;
}

/** One wait of one process. */
export class LeaseWait {
  readonly #start = performance.now();
  readonly #expectations: Expectations;
  readonly #timeoutMs: number;

  constructor(expectations: Expectations) {
    this.#expectations = expectations;
    // The rest of the deadline is for a request of its own. Jittered, so that the processes that give
    // up waiting don't all request at once.
    this.#timeoutMs = expectations.timeoutMs * (0.5 + Math.random() / 4);
  }

  /** Whether this process should request a token itself. */
  get isOver(): boolean {
    return this.waitedMs > this.#timeoutMs;
  }

  /** Jittered, so that the waiting processes don't all look at once. */
  nextPauseMs(): number {
    const waitedMs = this.waitedMs;
    const leftMs = this.#expectations.expectedMs - waitedMs;
    const pauseMs = Math.max(leftMs, waitedMs * 0.3, shortestPauseMs);
    return Math.min(pauseMs, longestPauseMs) * (0.75 + Math.random() / 2);
  }

  succeeded(): void {
    this.#expectations.succeeded(this.waitedMs);
  }

  get waitedMs(): number {
    return performance.now() - this.#start;
  }
}
