import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);
const alive = new Set<ChildProcess>();
let watchingForExit = false;

export interface LaunchedProcess {
  readonly pid: number;
  readonly running: boolean;
  signal(signal: NodeJS.Signals): void;
  exited(): Promise<void>;
}

/** Starts a program that dies with this process (or worker thread), however that one ends. */
export async function launch(
  command: string,
  args: readonly string[],
  logFile: string,
): Promise<LaunchedProcess> {
  killAllOnExit();
  const prefix = await dieWithParent();
  const [program = command, ...rest] = [...prefix, command, ...args];
  const log = openSync(logFile, "a");
  const child = spawn(program, rest, { stdio: ["ignore", log, log] });
  closeSync(log);
  alive.add(child);
  let running = true;
  const gone = new Promise<void>((resolve) => {
    const ended = () => {
      running = false;
      alive.delete(child);
      resolve();
    };
    child.once("exit", ended);
    child.once("error", ended);
  });
  // A forgotten server must not keep a test worker from ending.
  child.unref();
  return {
    pid: child.pid ?? -1,
    get running() {
      return running;
    },
    signal: (signal) => {
      if (running) child.kill(signal);
    },
    exited: () => {
      if (running) child.ref();
      return gone;
    },
  };
}

let parentDeath: Promise<readonly string[]> | undefined;

/** Linux's parent-death signal covers a parent killed with SIGKILL; exit handlers cover the rest. */
function dieWithParent(): Promise<readonly string[]> {
  const prefix = ["setpriv", "--pdeathsig", "KILL"] as const;
  parentDeath ??= run(prefix[0], [...prefix.slice(1), "true"]).then(
    () => prefix,
    () => [],
  );
  return parentDeath;
}

function killAllOnExit(): void {
  if (watchingForExit) return;
  watchingForExit = true;
  process.once("exit", () => {
    for (const child of alive) child.kill("SIGKILL");
  });
}
