import type { Cursor } from "./cursor.ts";

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** A duration as Go writes it (`1m30s`), in milliseconds. A problem of the report if it is none. */
export function durationMs(place: Cursor): number | undefined {
  const text = place.text();
  if (text === undefined) return undefined;
  if (text === "0") return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) {
    place.problem("must be a duration", 'write it as "10s" or "1m30s"');
    return undefined;
  }
  const ms = parts.map(([, amount, unit = "ms"]) => Number(amount) * (unitsMs[unit] ?? 0));
  return Math.round(ms.reduce((sum, part) => sum + part, 0));
}
