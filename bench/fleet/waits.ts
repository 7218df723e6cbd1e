const bucketsPerDecade = 20;

/** How long callers waited: counts in buckets that each reach 12 % further than the one before. */
export class Waits {
  readonly #counts = new Map<number, number>();
  #longestMs = 0;
  #total = 0;

  get longestMs(): number {
    return this.#longestMs;
  }

  add(ms: number): void {
    this.#count(Math.max(0, Math.ceil(Math.log10(ms * 1_000) * bucketsPerDecade)), 1);
    this.#longestMs = Math.max(this.#longestMs, ms);
  }

  merge(counts: Iterable<readonly [bucket: number, calls: number]>, longestMs: number): void {
    for (const [bucket, calls] of counts) this.#count(bucket, calls);
    this.#longestMs = Math.max(this.#longestMs, longestMs);
  }

  /** Milliseconds that a share of the callers did not wait longer than. */
  percentile(share: number): number {
    let left = this.#total * share;
    for (const [bucket, calls] of [...this.#counts].sort(([a], [b]) => a - b)) {
      left -= calls;
      if (left <= 0) return Math.min(upperMs(bucket), this.#longestMs);
    }
    return this.#longestMs;
  }

  /** How many waited longer. */
  longerThan(ms: number): number {
    let calls = 0;
    for (const [bucket, count] of this.#counts) if (upperMs(bucket - 1) >= ms) calls += count;
    return calls;
  }

  take(): readonly (readonly [bucket: number, calls: number])[] {
    const counts = [...this.#counts];
    this.#counts.clear();
    this.#longestMs = 0;
    this.#total = 0;
    return counts;
  }

  #count(bucket: number, calls: number): void {
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + calls);
    this.#total += calls;
  }
}

function upperMs(bucket: number): number {
  return 10 ** (bucket / bucketsPerDecade) / 1_000;
}
