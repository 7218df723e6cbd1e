/** What time it is for an instance. `createClock` of `endpoint-security/testing` makes one that tests turn. */
export interface Clock {
  /** Milliseconds since 1970, as `Date.now()`. */
  now(): number;
  /** Milliseconds since a fixed moment, as `performance.now()`: it is never set back. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
