import { stripVTControlCharacters, styleText } from "node:util";
import { milliseconds } from "../result.ts";
import type { Chaos } from "./chaos.ts";
import type { Fleet } from "./fleet.ts";
import { clock, type Lives, type Observed, type Phase } from "./observed.ts";

interface Cell {
  readonly measured: string;
  readonly goal?: string;
  readonly met?: boolean;
}

interface Row {
  readonly what: string;
  readonly cells: readonly Cell[];
}

interface Seen {
  readonly record: Observed;
  readonly chaos: Chaos;
  readonly fleet: Fleet;
  readonly processes: number;
  readonly endpoints: number;
}

/** Requests where no life was seen at all are too many. */
const ratio = ({ requests, lives }: Lives) =>
  requests === 0 && lives === 0 ? 1 : requests / lives;
const whole = (value: number) => value.toLocaleString("en");
const atMost = (value: number, goal: number, shown: (value: number) => string): Cell => ({
  measured: shown(value),
  goal: goal === 0 ? shown(goal) : Number.isFinite(goal) ? `≤ ${shown(goal)}` : "",
  met: value <= goal,
});
const sum = (values: Iterable<number>) => [...values].reduce((all, value) => all + value, 0);

/** Prints what was measured. @returns how many goals were missed */
export function report(seen: Seen): number {
  const { record, fleet } = seen;
  const rows = rowsOf(seen);
  printTable(["", ...record.phases.flatMap(({ name }) => [name, "goal", ""])], rows);
  for (const phase of record.phases) details(phase, seen);
  const missed = rows.flatMap(({ cells }) => cells).filter(({ met }) => met === false).length;
  if (fleet.unexpectedEnds > 0) print(`\n${fleet.unexpectedEnds} processes ended by themselves.`);
  return missed + fleet.unexpectedEnds;
}

function rowsOf({ record, chaos, fleet, processes, endpoints }: Seen): readonly Row[] {
  const row = (what: string, cell: (phase: Phase) => Cell): Row => ({
    what,
    cells: record.phases.map((phase) => cell(phase)),
  });
  const outageOf = ({ from, to }: Phase) =>
    chaos.incidents.find((one) => one.mark === "503" && from <= one.from && one.from < to);
  const excess = (phase: Phase) =>
    record.excess(phase, chaos.losses, (worker) => fleet.killedAt(worker));
  const twoDigits = (value: number) => value.toFixed(2);
  const waited = (what: string, of: (phase: Phase) => number) =>
    row(what, (phase) => ({ measured: milliseconds(of(phase)) }));
  return [
    row("token requests per endpoint and lifetime", (phase) =>
      atMost(ratio(record.fleetLives(phase)), phase.goal, twoDigits),
    ),
    // What a shared cache can't help when it isn't there is counted apart, and limited below.
    row("… without those that an outage explains", (phase) => {
      const { requests, lives } = record.fleetLives(phase);
      const found = excess(phase);
      const excused = sum(
        [...found].map(([cause, all]) => (cause === "no excuse" ? 0 : all.length)),
      );
      return atMost(ratio({ requests: requests - excused, lives }), phase.goal, twoDigits);
    }),
    row("… that each process makes by itself", (phase) => {
      const each = ratio(record.processLives(phase));
      return outageOf(phase) === undefined
        ? atMost(each, 1, twoDigits)
        : { measured: twoDigits(each) };
    }),
    row("a lifetime lasts, on average", (phase) => {
      const { lives } = record.fleetLives(phase);
      const each = (phase.seconds * endpoints) / lives;
      return { measured: lives === 0 ? "–" : `${each.toFixed(1)} s` };
    }),
    row("calls", (phase) => ({ measured: whole(phase.calls) })),
    row("errors", (phase) => {
      const errors = sum(phase.errors.values());
      // Nobody has a token when one has ended in an outage.
      return outageOf(phase) === undefined ? atMost(errors, 0, whole) : { measured: whole(errors) };
    }),
    row("token requests a second and endpoint, in an outage of the token endpoint", (phase) => {
      const found = outageOf(phase);
      if (found === undefined) return { measured: "–" };
      const seconds = (found.to - found.from) / 1_000;
      // One a second, up to a quarter sooner, and three attempts at first.
      const goal = 1 / 0.75 + 3 / seconds;
      return atMost(record.failedRequests(phase) / endpoints / seconds, goal, twoDigits);
    }),
    row("from its end to the last failed call of any process", (phase) => {
      const found = outageOf(phase);
      if (found === undefined) return { measured: "–" };
      const afterMs = Math.max(0, phase.lastFailedAt - found.to);
      return atMost(afterMs, 1_000, milliseconds);
    }),
    row("calls sent with an expired token", (phase) => atMost(phase.expired, 0, whole)),
    row("least life left of a token returned", (phase) => ({
      measured: Number.isFinite(phase.leastLeftMs) ? milliseconds(phase.leastLeftMs) : "–",
    })),
    waited("waiting time, p50", ({ waits }) => waits.percentile(0.5)),
    waited("waiting time, p99", ({ waits }) => waits.percentile(0.99)),
    waited("waiting time, p99.9", ({ waits }) => waits.percentile(0.999)),
    waited("waiting time, max", ({ waits }) => waits.longestMs),
    row("calls that waited longer than 250 ms", (phase) => ({
      measured: whole(phase.waits.longerThan(250)),
    })),
    row("tokens taken from Redis", (phase) => ({ measured: whole(phase.fromRedis) })),
    row("Redis operations per endpoint, lifetime, process", (phase) => {
      const { lives } = record.fleetLives(phase);
      const each = sum(phase.commands.values()) / (lives * processes);
      return { measured: Number.isFinite(each) ? each.toFixed(2) : "–" };
    }),
  ];
}

function details(phase: Phase, { record, chaos, fleet }: Seen): void {
  const { requests, lives } = record.fleetLives(phase);
  const own = record.processLives(phase);
  print(`\n${styleText("bold", phase.name)}, ${phase.seconds.toFixed(0)} s`);
  print(
    `  ${requests} token requests for ${lives} lives; each process by itself: ${own.requests} for ${own.lives}`,
  );
  for (const [cause, all] of record.excess(phase, chaos.losses, (id) => fleet.killedAt(id))) {
    print(`  ${String(all.length).padStart(5)} too many: ${cause}`);
    if (cause !== "no excuse") continue;
    for (const { at, key, ask } of all.slice(0, 10)) {
      const start = record.phases[0]?.from ?? at;
      print(`        at ${clock(at, start)}: ${key}, by process ${ask?.worker ?? "unknown"}`);
    }
  }
  const commands = [...phase.commands].filter(([, calls]) => calls > 0);
  commands.sort(([, a], [, b]) => b - a);
  print(`  Redis: ${commands.map(([name, calls]) => `${name} ${whole(calls)}`).join(", ")}`);
  for (const [what, times] of phase.errors) print(`  error, ${times} ×: ${what}`);
  for (const [what, times] of phase.cacheFailures) print(`  cacheFailed, ${times} ×: ${what}`);
  if (phase.skipped > 0) print(`  ${phase.skipped} calls not made: too many were waiting`);
  for (const { from, what } of chaos.incidents) {
    if (phase.from <= from && from < phase.to) {
      print(`  ${clock(from, record.phases[0]?.from ?? from)}  ${what}`);
    }
  }
}

function printTable(head: readonly string[], rows: readonly Row[]): void {
  const mark = ({ met }: Cell) =>
    met === undefined ? "" : met ? styleText("green", "✓") : styleText("red", "✗");
  const table = [
    head,
    ...rows.map(({ what, cells }) => [
      what,
      ...cells.flatMap((cell) => [cell.measured, cell.goal ?? "", mark(cell)]),
    ]),
  ];
  const long = (text: string) => stripVTControlCharacters(text).length;
  const widths = head.map((_, column) => Math.max(...table.map((row) => long(row[column] ?? ""))));
  for (const row of table) {
    const cells = row.map((cell, column) => {
      const padding = " ".repeat((widths[column] ?? 0) - long(cell));
      return column === 0 ? cell + padding : padding + cell;
    });
    print(cells.join("  ").trimEnd());
  }
}

function print(line: string): void {
  console.log(process.stdout.isTTY ? line : stripVTControlCharacters(line));
}
