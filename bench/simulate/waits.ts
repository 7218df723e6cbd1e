import type { Point } from "../chart.ts";

const binMs = 50;

/** How long callers waited. */
export class Waits {
  readonly #byMs = new Map<number, number>();
  readonly #longest: number[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** @param began when the caller asked. */
  add(began: number, waitedMs: number): void {
    this.#count++;
    this.#byMs.set(waitedMs, (this.#byMs.get(waitedMs) ?? 0) + 1);
    const bin = Math.floor(began / binMs);
    this.#longest[bin] = Math.max(this.#longest[bin] ?? 0, waitedMs);
  }

  /** What this share of the callers waited no longer than. */
  quantile(share: number): number {
    let left = Math.ceil(this.#count * share);
    for (const waitedMs of [...this.#byMs.keys()].sort((a, b) => a - b)) {
      left -= this.#byMs.get(waitedMs) ?? 0;
      if (left <= 0) return waitedMs;
    }
    return 0;
  }

  /** The longest wait of those who asked at that time, by seconds since `from`. */
  longest(from: number, to: number, everyMs: number): Point[] {
    const points: Point[] = [];
    for (let at = from; at < to; at += everyMs) {
      const bins = this.#longest.slice(Math.floor(at / binMs), Math.ceil((at + everyMs) / binMs));
      points.push([(at - from) / 1_000, bins.reduce((most, ms = 0) => Math.max(most, ms), 0)]);
    }
    return points;
  }
}
