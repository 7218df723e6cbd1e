import { type Chart, type Series, svg } from "../chart.ts";
import { describe, type Told } from "./report.ts";
import type { Settings } from "./settings.ts";
import type { ChapterFigures } from "./story.ts";

/** A row for each chapter: what Redis, the token endpoint and the callers felt of it. */
export function picture(settings: Settings, told: readonly Told[]): string {
  const chapters = told[0]?.figures ?? [];
  return svg({
    title: "A fleet on a virtual clock",
    subtitle: describe(settings),
    columns: 3,
    charts: chapters.flatMap(({ name, title }, index): Chart[] => {
      const x = index === 0 ? "seconds since the start" : "seconds since the current token expired";
      const same = told.flatMap(({ figures }) => figures.filter((of) => of.name === name));
      // What happens at a renewal happens at another time where renewals do.
      const spans = new Map(same.flatMap((of) => of.spans.map((span) => [span.from, span])));
      const chart = (what: string, y: string, over: keyof ChapterFigures["over"]): Chart => ({
        title: what,
        x,
        y,
        spans: [...spans.values()],
        series: told.flatMap(({ variant, figures }): Series[] => {
          const of = figures.find((chapter) => chapter.name === name);
          if (of === undefined) return [];
          return [
            { name: variant.name, points: of.over[over], filled: variant === told[0]?.variant },
          ];
        }),
      });
      return [
        chart(title, "Redis operations a second", "redisOperations"),
        chart("… token requests", "token requests a second", "tokenRequests"),
        chart("… waiting", "longest wait in ms", "longestWait"),
      ];
    }),
  });
}
