import type { RedisCacheOptions } from "../../redis.ts";
import { Progress } from "../progress.ts";
import { UsageError } from "../usage.ts";
import { checkRedis } from "./cache-step.ts";
import { type CheckedEndpoint, checkEndpoint } from "./check-endpoint.ts";
import { loadFile } from "./load-file.ts";
import type { LoadedFile } from "./loaded-file.ts";
import { rendered, summary } from "./render.ts";

export interface CheckSettings {
  readonly file: string;
  /** The names to check; all of them if it is empty. */
  readonly only: readonly string[];
  readonly path: string | undefined;
  readonly redis: string | undefined;
  readonly json: boolean;
}

/** Checks the endpoints of a file, and prints what was found. @returns the exit code */
export async function runCheck(settings: CheckSettings): Promise<number> {
  const file = await loadFile(settings.file);
  const endpoints = chosen(file, settings.only);
  const progress = new Progress();
  const checked: CheckedEndpoint[] = [];
  const print = (one: CheckedEndpoint) => {
    progress.end();
    checked.push(one);
    if (!settings.json) console.log(`${rendered(one)}\n`);
  };
  for (const endpoint of endpoints) {
    const begins = (step: string) => progress.show(`${endpoint.name}: ${step}`);
    print(await checkEndpoint(endpoint, file, { path: settings.path, begins }));
  }
  const redis = settings.redis === undefined ? file.redis : { url: settings.redis };
  if (redis !== undefined) {
    progress.show("Redis");
    print(await checkedRedis(redis));
  }
  if (settings.json) console.log(JSON.stringify(checked, undefined, 2));
  else console.log(summary(checked));
  return checked.every(({ ok }) => ok) ? 0 : 1;
}

async function checkedRedis(options: RedisCacheOptions): Promise<CheckedEndpoint> {
  const start = performance.now();
  const finding = await checkRedis(options);
  const durationMs = Math.round(performance.now() - start);
  return {
    endpoint: "Redis",
    ok: finding.status !== "failed",
    steps: [{ step: "cache", durationMs, ...finding }],
  };
}

function chosen({ endpoints }: LoadedFile, only: readonly string[]) {
  const names = endpoints.map(({ name }) => name);
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`the file has the endpoints ${names.join(", ")}, and not "${unknown}"`);
  }
  return only.length === 0 ? endpoints : endpoints.filter(({ name }) => only.includes(name));
}
