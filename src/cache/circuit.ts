import { type Clock, systemClock } from "../clock.ts";

const failuresToOpen = 3;
const shortestPauseMs = 1_000;
const longestPauseMs = 30_000;

/**
 * Stops using what keeps failing. After some failures in a row nothing is tried for a while; then
 * one attempt finds out whether it works again, and each that doesn't doubles the pause.
 */
export class Circuit {
  readonly #clock: Clock;
  #failures = 0;
  #pauseMs = shortestPauseMs;
  #closedUntil = 0;
  #probing = false;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Whether it failed so often that it has yet to be found out whether it works again. */
  get isBroken(): boolean {
    return this.#failures >= failuresToOpen;
  }

  /** Whether to try now. Who is let through says afterwards how it went. */
  allows(): boolean {
    if (!this.isBroken) return true;
    // The machine's own clock, which nobody sets.
    if (this.#probing || this.#clock.monotonic() < this.#closedUntil) return false;
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
      this.#closedUntil = this.#clock.monotonic() + this.#pauseMs * jitter;
      this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
    }
    this.#probing = false;
  }
}
