import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, watch } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { styleText } from "node:util";
import { UsageError } from "../usage.ts";

/** Editors write a file in several steps. */
const settledMs = 100;

/** Checks now, and again whenever the file changes, until the process is interrupted. */
export async function watchAndCheck(file: string, args: readonly string[]): Promise<number> {
  await access(file).catch(() => {
    throw new UsageError(`the file ${file} does not exist`);
  });
  const withoutWatch = args.filter((arg) => arg !== "--watch");
  // The folder, since many editors replace the file.
  const changes = watch(dirname(resolve(file)));
  await checkOnce(withoutWatch);
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  for await (const { filename } of changes) {
    if (filename !== basename(file)) continue;
    clearTimeout(timer);
    timer = setTimeout(() => {
      // One after the other, or their lines would mix.
      running = running.then(() => checkOnce(withoutWatch));
    }, settledMs);
  }
  return 0;
}

async function checkOnce(args: readonly string[]): Promise<void> {
  const [, command = ""] = process.argv;
  const child = spawn(process.execPath, [...process.execArgv, command, "check", ...args], {
    stdio: "inherit",
  });
  await once(child, "exit");
  const time = new Date().toLocaleTimeString();
  console.error(styleText("dim", `\n${time}: waiting for changes (Ctrl-C ends)\n`));
}
