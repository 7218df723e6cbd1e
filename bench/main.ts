/**
 * Measures the package as it is packed, installed in an empty project: `npm run bench`.
 *
 *   --only=warm,fetch   only these items
 *   --report-only       exit with 0, whatever was measured
 *   --profile           leave CPU profiles of the items in bench/results
 */
import { fork } from "node:child_process";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs, stripVTControlCharacters, styleText } from "node:util";
import { build } from "tsup";
import { buildAndPack, checkout, npm, temporaryFolder, write } from "../test/package/project.ts";
import { installed } from "./install.ts";
import type { Message } from "./item.ts";
import type { Result } from "./result.ts";

/** Each a file here, and a process of its own. */
const measured = [
  "warm",
  "cold",
  "requests",
  "fetch",
  "axios",
  "memory",
  "startup",
  "fleet-start",
  "life",
  "outages",
];
const all = [...measured, "install"];
/** Files that items start. */
const helpers = [
  "server",
  "life-server",
  "fleet-process",
  "empty",
  "startup-import",
  "startup-alone",
  "startup-header",
  "startup-modules",
  "module-hook",
];

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    "report-only": { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
  },
});
const wanted = values.only?.split(",") ?? all;
for (const name of wanted) {
  if (!all.includes(name)) throw new Error(`there is no "${name}"; there are ${all.join(", ")}`);
}

const onTerminal = process.stderr.isTTY === true;

function show(line: string): void {
  if (onTerminal) process.stderr.write(`\r\x1b[2K${line}`);
}

function bar(share: number): string {
  const full = Math.round(share * 24);
  return `${"█".repeat(full)}${"░".repeat(24 - full)} ${Math.round(share * 100)} %`;
}

/** A project that has the package, as anyone would install it, and the files of this bench. */
async function prepare(folder: string): Promise<{ project: string; size: readonly Result[] }> {
  show("building and packing …");
  const { tarball } = await buildAndPack(folder);
  const project = join(folder, "project");
  const manifest = { name: "project", private: true, type: "module" };
  await write(project, { "package.json": JSON.stringify(manifest) });
  show("installing …");
  const quietly = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"];
  await npm(["install", ...quietly, tarball], project);
  const size = await installed(project);
  // Only now: it isn't the package's.
  await mkdir(join(project, "node_modules/@keyv"), { recursive: true });
  for (const peer of ["axios", "@keyv/redis"]) {
    const folder = join("node_modules", peer);
    await symlink(join(checkout, folder), join(project, folder), "dir");
  }
  await build({
    // Compiled beforehand: a loader that compiles would be measured too.
    config: false,
    silent: true,
    entry: [...measured, ...helpers].map((name) => join(checkout, "bench", `${name}.ts`)),
    outDir: project,
    format: "esm",
    target: "node20.19",
    external: [/^endpoint-security/, "axios", "openid-client"],
  });
  return { project, size };
}

async function measure(project: string, name: string): Promise<readonly Result[]> {
  const execArgv = ["--expose-gc"];
  if (values.profile)
    execArgv.push("--cpu-prof", `--cpu-prof-dir=${join(checkout, "bench/results")}`);
  const child = fork(join(project, `${name}.js`), { execArgv, cwd: project });
  let results: readonly Result[] | undefined;
  show(`${name.padEnd(8)} ${bar(0)}`);
  child.on("message", (message: Message) => {
    if (message.type === "results") results = message.results;
    else show(`${name.padEnd(8)} ${bar(message.share)}`);
  });
  const code = await new Promise<number | null>((ended) => child.on("exit", ended));
  if (results !== undefined) return results;
  return [{ what: name, measured: `failed (${code})`, goal: "a result", met: false }];
}

function print(results: readonly Result[]): void {
  const head = ["", "measured", "goal", ""];
  const rows = results.map(({ what, measured, goal, met }) => [
    what,
    measured,
    goal,
    met ? styleText("green", "✓") : styleText("red", "✗"),
  ]);
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  for (const [index, row] of [head, ...rows].entries()) {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 0 || column === 3 ? cell.padEnd(width) : cell.padStart(width);
    });
    const aside = results[index - 1]?.aside;
    const line = `${cells.join("  ").trimEnd()}${aside === undefined ? "" : `  ${styleText("dim", aside)}`}`;
    console.log(process.stdout.isTTY ? line : stripVTControlCharacters(line));
  }
}

const started = performance.now();
const folder = await temporaryFolder();
try {
  if (values.profile) await mkdir(join(checkout, "bench/results"), { recursive: true });
  const { project, size } = await prepare(folder.path);
  const results: Result[] = [];
  for (const name of measured) {
    if (wanted.includes(name)) results.push(...(await measure(project, name)));
  }
  if (wanted.includes("install")) results.push(...size);
  show("");
  print(results);
  const missed = results.filter(({ met }) => !met).length;
  const seconds = Math.round((performance.now() - started) / 1_000);
  console.log(
    `\n${results.length - missed} of ${results.length} goals met, on Node ${process.version} in ${seconds} s`,
  );
  if (missed > 0 && !values["report-only"]) process.exitCode = 1;
} finally {
  await folder.remove();
}
