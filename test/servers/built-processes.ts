import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "tsup";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the processes that tests start lie compiled: a compiler in each would take longest. */
    builtProcesses: string;
  }
}

const file = (name: string) => fileURLToPath(new URL(`../${name}.ts`, import.meta.url));
// Below node_modules, where packages are found.
const caches = fileURLToPath(new URL("../../node_modules/.cache/", import.meta.url));

/** Compiles, once for all tests of a run, the processes that they start. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await mkdir(caches, { recursive: true });
  const outDir = await mkdtemp(`${caches}test-processes-`);
  await build({
    config: false,
    silent: true,
    entry: {
      member: file("fleet/member"),
      "skewed-clock": file("fleet/skewed-clock"),
      job: file("fleet/job"),
      "exiting-process": file("redis/exiting-process"),
    },
    outDir,
    format: "esm",
    target: "node20.19",
    skipNodeModulesBundle: true,
    outExtension: () => ({ js: ".mjs" }),
  });
  project.provide("builtProcesses", outDir);
  return () => rm(outDir, { recursive: true, force: true });
}
