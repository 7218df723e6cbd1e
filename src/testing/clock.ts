import type { Clock } from "../clock.ts";

/** A clock that stands still until a test turns it. Made by {@link createClock}. */
export interface TestClock extends Clock {
  /**
   * Turns the clock forward.
   * @param ms how far, in milliseconds. @throws RangeError if that is less than 0
   */
  advance(ms: number): void;
  /**
   * Sets the time of day, also back, as an administrator or NTP does. Pauses aren't affected by it.
   * @param time a date, or milliseconds since 1970
   */
  set(time: Date | number): void;
}

/**
 * Makes a clock for `new EndpointSecurity({ clock })`, so that a test needs neither to wait nor to fake
 * globals. It begins with the current time, and stands still.
 * @param start what time it is at first
 * @example
 * ```ts
 * const clock = createClock();
 * const security = new EndpointSecurity({ clock });
 * await security.getAuthHeader(orders);
 * clock.advance(3_600_000);
 * await security.getAuthHeader(orders); // requests another token
 * ```
 */
export function createClock(start: Date | number = Date.now()): TestClock {
  let now = timeOf(start);
  let elapsed = 0;
  return {
    now: () => now,
    monotonic: () => elapsed,
    advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`a clock is turned forward by 0 ms or more, got ${ms}`);
      now += ms;
      elapsed += ms;
    },
    set(time) {
      now = timeOf(time);
    },
  };
}

function timeOf(time: Date | number): number {
  const ms = Number(time);
  if (!Number.isFinite(ms))
    throw new RangeError("a clock takes a valid date, or milliseconds since 1970");
  return ms;
}
