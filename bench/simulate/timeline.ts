import type { Point } from "../chart.ts";

/** How often something happened, by time. */
export class Timeline {
  readonly #binMs: number;
  readonly #bins: number[] = [];

  constructor(binMs: number) {
    this.#binMs = binMs;
  }

  add(at: number, times = 1): void {
    const bin = Math.floor(at / this.#binMs);
    this.#bins[bin] = (this.#bins[bin] ?? 0) + times;
  }

  total(from: number, to: number): number {
    return this.#slice(from, to).reduce((sum, times) => sum + times, 0);
  }

  /** The most within one second. */
  peakPerSecond(from: number, to: number): number {
    const window = Math.max(1, Math.round(1_000 / this.#binMs));
    const bins = this.#slice(from, to);
    let sum = 0;
    let peak = 0;
    for (const [index, times] of bins.entries()) {
      sum += times - (bins[index - window] ?? 0);
      peak = Math.max(peak, sum);
    }
    return peak;
  }

  /** Times a second, by seconds since `from`. */
  perSecond(from: number, to: number, binMs: number): Point[] {
    const points: Point[] = [];
    for (let at = from; at < to; at += binMs) {
      points.push([(at - from) / 1_000, (this.total(at, at + binMs) * 1_000) / binMs]);
    }
    return points;
  }

  #slice(from: number, to: number): number[] {
    const bins: number[] = [];
    for (let bin = Math.floor(from / this.#binMs); bin < to / this.#binMs; bin++) {
      bins.push(this.#bins[bin] ?? 0);
    }
    return bins;
  }
}
