import type { Settings, Variant } from "./settings.ts";
import type { ChapterFigures } from "./story.ts";

/** A story as one variant lived it. */
export interface Told {
  readonly variant: Variant;
  readonly figures: readonly ChapterFigures[];
}

type Column = readonly [head: string, cell: (figures: ChapterFigures) => string];

/** The figures of all chapters, as tables for a terminal. */
export function report(settings: Settings, told: readonly Told[]): string {
  const { instances } = settings;
  const each = (total: number, { lifetimes }: ChapterFigures) => total / lifetimes;
  const tables: readonly (readonly Column[])[] = [
    [
      ["lifetimes", ({ lifetimes }) => whole(lifetimes)],
      ["token requests", ({ tokenRequests }) => whole(tokenRequests)],
      ["failed", ({ tokenRequestsFailed }) => whole(tokenRequestsFailed)],
      ["peak/s", ({ tokenRequestsPeak }) => whole(tokenRequestsPeak)],
      ["per lifetime", (figures) => each(figures.tokenRequests, figures).toFixed(2)],
      ["and process", (figures) => (each(figures.tokenRequests, figures) / instances).toFixed(4)],
    ],
    [
      ["Redis operations", ({ redisOperations }) => whole(redisOperations)],
      ["mean/s", ({ redisOperations, seconds }) => whole(redisOperations / seconds)],
      ["peak/s", ({ redisOperationsPeak }) => whole(redisOperationsPeak)],
      [
        "per lifetime and process",
        (figures) => (each(figures.redisOperations, figures) / instances).toFixed(2),
      ],
      ["reads", ({ redisReads }) => whole(redisReads)],
      ["lease attempts", ({ redisLeaseAttempts }) => whole(redisLeaseAttempts)],
      ["trouble told", ({ cacheFailures }) => whole(cacheFailures)],
    ],
    [
      ["calls", ({ calls }) => whole(calls)],
      ["waited p50", ({ waitedMs }) => milliseconds(waitedMs.p50)],
      ["p99", ({ waitedMs }) => milliseconds(waitedMs.p99)],
      ["max", ({ waitedMs }) => milliseconds(waitedMs.max)],
      ["errors", ({ errors }) => whole(errors)],
      ["… last after its end", ({ failedForMsAfter }) => milliseconds(failedForMsAfter)],
      ["with an expired token", ({ withExpiredToken }) => whole(withExpiredToken)],
      ["", ({ errorNames }) => errorNames.join(", ")],
    ],
  ];
  const [first] = told;
  const rows = (first?.figures ?? []).flatMap(({ name }) =>
    told.flatMap(({ variant, figures }) =>
      figures
        .filter((of) => of.name === name)
        .map((of) => ({ label: `${name}, ${variant.name}`, of })),
    ),
  );
  return [
    describe(settings),
    ...tables.map((columns) =>
      aligned([
        ["", ...columns.map(([head]) => head)],
        ...rows.map(({ label, of }) => [label, ...columns.map(([, cell]) => cell(of))]),
      ]),
    ),
  ].join("\n\n");
}

/** What was simulated, in one line. */
export function describe(settings: Settings): string {
  return [
    `${whole(settings.instances)} processes`,
    `${whole(settings.endpoints)} endpoint${settings.endpoints === 1 ? "" : "s"}`,
    `a call every ${settings.callEveryMs / 1_000} s from each to each`,
    `tokens of ${settings.lifetimeMs / 1_000} s`,
    `Redis: ${settings.redisRoundTripMs} ms, ${whole(settings.redisOperationsPerSecond)} operations a second`,
    `token endpoint: ${settings.tokenLatencyMs} ms`,
  ].join(" · ");
}

function aligned(rows: readonly (readonly string[])[]): string {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(width(0)) : cell.padStart(width(column))))
      .join("  ")
      .trimEnd(),
  );
  return lines.join("\n");
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : whole(value)} ms`;
}
