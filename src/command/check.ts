import { parseArgs } from "node:util";
import { type CheckSettings, runCheck } from "./check/run-check.ts";
import { watchAndCheck } from "./check/watch.ts";
import { UsageError } from "./usage.ts";

/** `endpoint-security check`. @returns the exit code */
export async function check(args: readonly string[]): Promise<number> {
  const { watch, envFile, ...settings } = parsed(args);
  // In a process of its own for each run, which loads modules anew.
  if (watch) return watchAndCheck(settings.file, args);
  if (envFile !== undefined) loadEnvFile(envFile);
  return runCheck(settings);
}

interface CheckArguments extends CheckSettings {
  readonly watch: boolean;
  readonly envFile: string | undefined;
}

function parsed(args: readonly string[]): CheckArguments {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        only: { type: "string", multiple: true, default: [] },
        path: { type: "string" },
        redis: { type: "string" },
        "env-file": { type: "string" },
        json: { type: "boolean", default: false },
        watch: { type: "boolean", default: false },
      },
    });
    const [file, ...others] = positionals;
    if (file === undefined) throw new UsageError("which file?");
    if (others.length > 0) throw new UsageError(`only one file, and not ${others[0]}`);
    const { "env-file": envFile, path, redis, only, json, watch } = values;
    return { file, only, path, redis, json, watch, envFile };
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof Error)) throw error;
    throw new UsageError(error.message);
  }
}

function loadEnvFile(path: string): void {
  try {
    process.loadEnvFile(path);
  } catch {
    throw new UsageError(`the file ${path} does not exist`);
  }
}
