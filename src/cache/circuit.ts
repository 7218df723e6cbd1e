import { type Clock, systemClock } from "../clock.ts";

const failuresToOpen = 3;
const shortestPauseMs = 1_000;
const longestPauseMs = 30_000;

type CircuitState = "closed" | "open" | "half_open";

/**
 * Stops using what keeps failing. After some failures in a row nothing is tried for a while; then
 * one attempt finds out whether it works again, and each that doesn't doubles the pause.
 */
export class Circuit {
  readonly #clock: Clock;
  #failures = 0;
  #pauseMs = shortestPauseMs;
  #openUntil = 0;
  #probing = false;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Whether it failed so often that it has yet to be found out whether it works again. */
  get isBroken(): boolean {
    return this.#failures >= failuresToOpen;
  }

  /** `closed`: all is tried; `open`: nothing is; `half_open`: the next attempt finds out whether it works. */
  get state(): CircuitState {
    if (!this.isBroken) return "closed";
    return this.triedAgainInMs > 0 ? "open" : "half_open";
  }

  /** How long nothing is tried yet, in milliseconds. */
  get triedAgainInMs(): number {
    return this.isBroken ? Math.max(0, this.#openUntil - this.#clock.monotonic()) : 0;
  }

  /** Whether to try now. Who is let through says afterwards how it went. */
  allows(): boolean {
    if (!this.isBroken) return true;
    // The machine's own clock, which nobody sets.
    if (this.#probing || this.#clock.monotonic() < this.#openUntil) return false;
    this.#probing = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#pauseMs = shortestPauseMs;
    this.#probing = false;
  }

  failed(): void {
    this.#failures++;
    if (!this.isBroken) return;
    // Of many that fail at once, the first opens it and the others change nothing.
    if (this.#probing || this.#failures === failuresToOpen) {
      const jitter = 0.75 + Math.random() / 2;
      this.#openUntil = this.#clock.monotonic() + this.#pauseMs * jitter;
      this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
    }
    this.#probing = false;
  }
}
