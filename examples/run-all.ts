/** Runs every example in a process of its own. */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const notExamples = new Set(["local-redis.ts", "local-servers.ts", "run-all.ts"]);
const folder = new URL("./", import.meta.url);
const examples = (await readdir(folder))
  .filter((name) => name.endsWith(".ts") && !notExamples.has(name))
  .sort();

// A few at a time, so that none waits for a processor longer than it may take.
const waiting = examples.values();
const results: (Result & { name: string })[] = [];
await Promise.all(
  Array.from({ length: availableParallelism() + 1 }, async () => {
    for (const name of waiting) results.push({ name, ...(await run(name)) });
  }),
);
results.sort((one, other) => examples.indexOf(one.name) - examples.indexOf(other.name));

const width = Math.max(...examples.map((name) => name.length));
for (const { name, failure, skipped, seconds } of results) {
  const verdict = failure === undefined ? (skipped ?? "ok") : "FAILED";
  console.log(`${name.padEnd(width)}  ${verdict}  ${seconds} s`);
}
for (const { name, failure } of results) {
  if (failure !== undefined) console.error(`\n${name}:\n${failure}`);
}
if (results.length === 0) throw new Error("no examples found");
if (results.some(({ failure }) => failure !== undefined)) process.exitCode = 1;

interface Result {
  readonly seconds: string;
  readonly failure?: string;
  /** The line in which the example says that it can't run here. */
  readonly skipped?: string | undefined;
}

/** Also fails an example that doesn't end by itself, or ends without having shown anything. */
async function run(name: string): Promise<Result> {
  const file = fileURLToPath(new URL(name, folder));
  const start = performance.now();
  const result = await promisify(execFile)(process.execPath, ["--import", "tsx", file], {
    cwd: fileURLToPath(new URL("../", folder)),
    // One that needs a server may have to install it first.
    timeout: 180_000,
  }).then(
    ({ stdout }) =>
      stdout.trim() === ""
        ? { failure: "it printed nothing" }
        : { skipped: /^skipped: .*/m.exec(stdout)?.[0] },
    (error: { stdout?: string; stderr?: string; killed?: boolean }) => ({
      failure:
        `${error.stdout ?? ""}${error.stderr ?? ""}${error.killed ? "it did not end within 180 s" : ""}` ||
        String(error),
    }),
  );
  return { seconds: ((performance.now() - start) / 1000).toFixed(1), ...result };
}
