import { type Point, type Span, svg } from "../chart.ts";
import type { Incident } from "./chaos.ts";

/** Values over time, a second each. */
export class Timeline {
  readonly #values = new Map<number, number>();
  readonly #start: number;

  constructor(start: number) {
    this.#start = start;
  }

  add(at: number, value: number): void {
    const second = this.#second(at);
    this.#values.set(second, (this.#values.get(second) ?? 0) + value);
  }

  highest(at: number, value: number): void {
    const second = this.#second(at);
    this.#values.set(second, Math.max(this.#values.get(second) ?? 0, value));
  }

  points(seconds: number): readonly Point[] {
    return Array.from({ length: Math.ceil(seconds) + 1 }, (_, second) => [
      second,
      this.#values.get(Math.min(second, Math.ceil(seconds) - 1)) ?? 0,
    ]);
  }

  #second(at: number): number {
    return Math.floor((at - this.#start) / 1_000);
  }
}

export interface Seen {
  readonly start: number;
  readonly seconds: number;
  readonly calmSeconds: number;
  readonly subtitle: string;
  readonly incidents: readonly Incident[];
  readonly tokenRequests: Timeline;
  readonly fromRedis: Timeline;
  readonly alone: Timeline;
  readonly restarting: Timeline;
  readonly longestWait: Timeline;
}

/** What happened, as an SVG document. */
export function picture(seen: Seen): string {
  const { incidents, seconds, start, subtitle } = seen;
  const spans = labelled(incidents, start, seconds);
  const x = "seconds since the cold start";
  const stepped = true;
  const filled = true;
  return svg({
    title: "One token for the whole fleet",
    subtitle,
    charts: [
      {
        title: `Tokens: calm for ${Math.round(seen.calmSeconds)} s, then chaos (†: kill -9)`,
        x,
        y: "a second",
        spans,
        series: [
          { name: "token requests", points: seen.tokenRequests.points(seconds), stepped, filled },
          { name: "taken from Redis", points: seen.fromRedis.points(seconds), stepped },
        ],
      },
      {
        title: "Processes",
        x,
        y: "processes",
        spans,
        series: [
          { name: "going without Redis", points: seen.alone.points(seconds), stepped, filled },
          { name: "starting again", points: seen.restarting.points(seconds), stepped },
        ],
      },
      {
        title: "The longest wait of any call",
        x,
        y: "ms",
        spans,
        series: [
          { name: "longest wait", points: seen.longestWait.points(seconds), stepped, filled },
        ],
      },
    ],
  });
}

/** Leaves out labels that would run into the one before. */
function labelled(incidents: readonly Incident[], start: number, seconds: number): readonly Span[] {
  let free = 0;
  return incidents.map(({ from, to, mark }) => {
    const begin = (from - start) / 1_000;
    const fits = begin >= free;
    // A chart is about 80 letters wide.
    if (fits) free = begin + ((mark.length + 1) * seconds) / 80;
    return { from: begin, to: (to - start) / 1_000, label: fits ? mark : "" };
  });
}
