import { type Clock, systemClock } from "../clock.ts";

/** How many rejected tokens may be replaced within which time. */
export interface ForcedRenewalLimits {
  readonly most: number;
  readonly windowMs: number;
}

interface ForcedRenewal {
  readonly at: number;
  readonly token: string;
  isUnderWay: boolean;
}

/** Limits renewals: a backend that rejects every token must not flood the token endpoint. */
export class ForcedRenewals {
  #lately: readonly ForcedRenewal[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** How many there were within the window. */
  get count(): number {
    return this.#lately.length;
  }

  countWithin(windowMs: number): number {
    const now = this.#clock.monotonic();
    return this.#lately.filter(({ at, isUnderWay }) => isUnderWay || now - at < windowMs).length;
  }

  clear(): void {
    this.#lately = [];
  }

  /**
   * Counts a renewal, once for all callers whose same token was rejected at the same time.
   * @returns a function to call when it has ended, or undefined if the limit is reached.
   */
  begin(
    token: string,
    { most, windowMs }: ForcedRenewalLimits,
  ): ((counts: boolean) => void) | undefined {
    const now = this.#clock.monotonic();
    this.#lately = this.#lately.filter(({ at, isUnderWay }) => isUnderWay || now - at < windowMs);
    let renewal = this.#lately.find((one) => one.isUnderWay && one.token === token);
    if (renewal === undefined) {
      if (this.#lately.length >= most) return undefined;
      renewal = { at: now, token, isUnderWay: true };
      this.#lately = [...this.#lately, renewal];
    }
    const begun = renewal;
    return (counts) => {
      begun.isUnderWay = false;
      if (!counts) this.#lately = this.#lately.filter((one) => one !== begun);
    };
  }
}
