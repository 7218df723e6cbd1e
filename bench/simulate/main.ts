/**
 * Ten thousand instances of the library on a virtual clock, with a modelled Redis and token
 * endpoint: `npm run bench:simulate`. Draws bench/results/simulate.svg.
 *
 *   --instances=10000      processes of the fleet
 *   --endpoints=1          that each of them calls
 *   --call-every-ms=2000   between two calls of one process to one endpoint, on average
 *   --lifetime-ms=60000    of a token
 *   --token-latency-ms=150
 *   --redis-round-trip-ms=0.5
 *   --redis-operations=100000   that one Redis gets done in a second
 *   --only="issuer silent,…"    only these chapters, after the cold start: calm, redis restart,
 *                          redis frozen, redis down, issuer 503, issuer 503 for a minute,
 *                          issuer silent (not told otherwise)
 *   --seed=1               another course of chance
 */
import { fork } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "tsup";
import { chapters } from "./chapters.ts";
import { picture } from "./picture.ts";
import type { Message, Task } from "./process.ts";
import { Progress } from "./progress.ts";
import { report } from "./report.ts";
import { type Settings, type Variant, variants } from "./settings.ts";
import type { ChapterFigures } from "./story.ts";

const { values } = parseArgs({
  options: {
    instances: { type: "string", default: "10000" },
    endpoints: { type: "string", default: "1" },
    "call-every-ms": { type: "string", default: "2000" },
    "lifetime-ms": { type: "string", default: "60000" },
    "token-latency-ms": { type: "string", default: "150" },
    "redis-round-trip-ms": { type: "string", default: "0.5" },
    "redis-operations": { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
  },
});

function positive(name: Exclude<keyof typeof values, "only">): number {
  const value = Number(values[name]);
  if (!(value > 0)) throw new Error(`--${name} is "${values[name]}", no positive number`);
  return value;
}

const settings: Settings = {
  instances: positive("instances"),
  endpoints: positive("endpoints"),
  callEveryMs: positive("call-every-ms"),
  lifetimeMs: positive("lifetime-ms"),
  tokenLatencyMs: positive("token-latency-ms"),
  redisRoundTripMs: positive("redis-round-trip-ms"),
  redisOperationsPerSecond: positive("redis-operations"),
  seed: positive("seed"),
  only: values.only?.split(","),
};
const names = chapters(0).map(({ name }) => name);
for (const name of settings.only ?? []) {
  if (!names.includes(name))
    throw new Error(`there is no "${name}"; there are ${names.join(", ")}`);
}

const results = join(import.meta.dirname, "..", "results");
const compiled = join(results, "simulate");

/** Each variant in a process of its own, which its clock takes over. */
function live(variant: Variant, progress: Progress): Promise<readonly ChapterFigures[]> {
  const task: Task = { settings, variant };
  const child = fork(join(compiled, "process.js"), [JSON.stringify(task)], {
    // Room for ten thousand instances, and for what comes and goes with their calls.
    execArgv: ["--max-old-space-size=8192", "--max-semi-space-size=64"],
  });
  return new Promise((resolve, reject) => {
    child.on("message", (message: Message) => {
      if (message.type === "figures") resolve(message.figures);
      else progress.show(variant.name, message.chapter, message.share);
    });
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`"${variant.name}" ended with ${code}`)));
  });
}

const started = performance.now();
await mkdir(results, { recursive: true });
// Compiled beforehand: a loader that compiles has every import() of the library's wait for it.
await build({
  config: false,
  silent: true,
  entry: [join(import.meta.dirname, "process.ts")],
  outDir: compiled,
  format: "esm",
  target: "node20.19",
  noExternal: ["lru-cache", "leven"],
});
const progress = new Progress();
const told = await Promise.all(
  variants.map(async (variant) => ({ variant, figures: await live(variant, progress) })),
);
progress.clear();
const drawing = join(results, "simulate.svg");
await writeFile(drawing, picture(settings, told));
console.log(report(settings, told));
const seconds = Math.round((performance.now() - started) / 1_000);
console.log(`\nSimulated in ${seconds} s; picture: ${drawing}`);
const calls = told.flatMap(({ figures }) => figures);
if (calls.some(({ withExpiredToken }) => withExpiredToken > 0)) process.exitCode = 1;
