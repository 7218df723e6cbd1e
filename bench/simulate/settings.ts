/** What can be set from the command line, with its default. */
export interface Settings {
  readonly instances: number;
  readonly endpoints: number;
  readonly callEveryMs: number;
  readonly lifetimeMs: number;
  readonly tokenLatencyMs: number;
  readonly redisRoundTripMs: number;
  readonly redisOperationsPerSecond: number;
  readonly seed: number;
  /** Names of chapters; the first is always told. */
  readonly only: readonly string[] | undefined;
}

/** What the same story is told with and without. */
export interface Variant {
  readonly name: string;
  /** Without: `Math.random` always says 0.5. */
  readonly jitter: boolean;
  /** At which share of its life a token is renewed ahead. */
  readonly refreshAhead: number | false;
  /** The chapters it is told; all if not given. */
  readonly chapters?: readonly string[];
}

export const variants: readonly Variant[] = [
  { name: "as it is", jitter: true, refreshAhead: 0.8 },
  {
    name: "no refresh ahead",
    jitter: true,
    refreshAhead: false,
    chapters: ["cold start", "calm", "redis restart", "issuer 503", "issuer 503 for a minute"],
  },
  {
    name: "no jitter",
    jitter: false,
    refreshAhead: 0.8,
    chapters: ["cold start", "calm"],
  },
];
