/** What was measured, beside its goal. */
export interface Result {
  readonly what: string;
  readonly measured: string;
  readonly goal: string;
  readonly met: boolean;
  /** How it came about, in absolute numbers. */
  readonly aside?: string | undefined;
}

type Unit = (value: number) => string;

export const times: Unit = (value) => `${value.toFixed(2)} ×`;
export const milliseconds: Unit = (value) => `${value.toFixed(1)} ms`;
export const microseconds: Unit = (value) => `${value.toFixed(1)} µs`;
export const nanoseconds: Unit = (value) => `${value.toFixed(0)} ns`;
export const bytes: Unit = (value) => `${Math.round(value).toLocaleString("en")} B`;
export const mebibytes: Unit = (value) => `${(value / 2 ** 20).toFixed(2)} MiB`;
export const count: Unit = (value) => String(value);

export function atMost(
  what: string,
  value: number,
  limit: number,
  unit: Unit,
  aside?: string,
): Result {
  return { what, measured: unit(value), goal: `≤ ${unit(limit)}`, met: value <= limit, aside };
}

export function atLeast(
  what: string,
  value: number,
  limit: number,
  unit: Unit,
  aside?: string,
): Result {
  return { what, measured: unit(value), goal: `≥ ${unit(limit)}`, met: value >= limit, aside };
}
