/**
 * Minutes of short tokens, revocations, outages, and endpoints that come and go, in one process:
 * `npm run bench:soak`. Heap and handles have to stay flat.
 *
 *   --minutes=3
 *   --report-only   exit with 0, whatever was measured
 */
import { fork } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { svg } from "../chart.ts";
import { median } from "../side-by-side.ts";
import type { Sample } from "./sample.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    "report-only": { type: "boolean", default: false },
  },
});
const seconds = Number(values.minutes) * 60;
const results = new URL("../results/", import.meta.url);

const samples: Sample[] = [];
const child = fork(fileURLToPath(new URL("soaked.ts", import.meta.url)), [String(seconds)], {
  execArgv: ["--expose-gc", "--import", "tsx"],
});
child.on("message", (sample: Sample) => {
  samples.push(sample);
  if (process.stderr.isTTY) {
    const share = Math.min(1, sample.second / seconds);
    const full = Math.round(share * 24);
    const bar = `${"█".repeat(full)}${"░".repeat(24 - full)} ${Math.round(share * 100)} %`;
    process.stderr.write(`\r\x1b[2K${bar}  ${mib(sample.heapBytes)}  ${sample.handles} handles`);
  }
});
const code = await new Promise<number | null>((ended) => child.on("exit", ended));
if (process.stderr.isTTY) process.stderr.write("\r\x1b[2K");

/** The first third is for warming up; the last has to be as the one before it. */
function third(which: 1 | 2, of: (sample: Sample) => number): number {
  const from = Math.floor((samples.length * which) / 3);
  return median(samples.slice(from, Math.floor((samples.length * (which + 1)) / 3)).map(of));
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

const heap = [third(1, (one) => one.heapBytes), third(2, (one) => one.heapBytes)] as const;
const handles = [third(1, (one) => one.handles), third(2, (one) => one.handles)] as const;
const last = samples.at(-1);
const seen = Object.entries(last?.seen ?? {});
const goals: readonly [what: string, measured: string, isMet: boolean][] = [
  ["ended by itself", String(code), code === 0],
  ["heap, second third and last", heap.map(mib).join(", "), heap[1] <= heap[0] * 1.05 + 2 ** 19],
  ["handles, second third and last", handles.join(", "), handles[1] <= handles[0] + 5],
  [
    "errors without an outage",
    String(last?.seen["unavailable afterwards"] ?? 0),
    (last?.seen["unavailable afterwards"] ?? 0) === 0,
  ],
];
for (const [what, measured, isMet] of goals) {
  console.log(`${isMet ? "✓" : "✗"} ${what.padEnd(32)} ${measured}`);
}
console.log(`  endpoints that came and went     ${last?.endpoints}`);
for (const [what, times] of seen)
  console.log(`  calls that ended with ${what.padEnd(30)} ${times}`);

await mkdir(results, { recursive: true });
const over = (of: (sample: Sample) => number) =>
  samples.map((one): readonly [number, number] => [one.second, of(one)]);
const picture = svg({
  title: "Minutes of short tokens, revocations and outages",
  subtitle: `${last?.endpoints} endpoints, of which 300 at a time; memory for 500`,
  columns: 2,
  charts: [
    {
      title: "Heap in use",
      x: "seconds",
      y: "MiB",
      series: [{ name: "heap", points: over((one) => one.heapBytes / 2 ** 20) }],
    },
    {
      title: "Handles",
      x: "seconds",
      y: "sockets, timers, …",
      series: [{ name: "handles", points: over((one) => one.handles) }],
    },
  ],
});
await writeFile(new URL("soak.svg", results), picture);
console.log("\nThe picture is in bench/results/soak.svg");
if (!values["report-only"] && !goals.every(([, , isMet]) => isMet)) process.exitCode = 1;
