import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Command, Message, Task } from "./messages.ts";

type Done = Extract<Message, { type: "done" }>;

export interface StartedProcess extends AsyncDisposable {
  readonly pid: number | undefined;
  /** Lets it do its task. */
  go(): Promise<Done>;
}

/** @returns once the process has its task */
export async function startProcess(
  task: Task,
  listen: (message: Message) => void,
): Promise<StartedProcess> {
  const child = fork(fileURLToPath(new URL("./worker.ts", import.meta.url)), {
    execArgv: ["--import", "tsx"],
    cwd: fileURLToPath(new URL("../../../", import.meta.url)),
  });
  child.on("message", listen);
  const ready = answer(child, "ready");
  send(child, { type: "task", task });
  await ready;
  return {
    pid: child.pid,
    go: () => {
      const done = answer(child, "done");
      send(child, { type: "go" });
      return done;
    },
    async [Symbol.asyncDispose]() {
      // One that is done ends by itself.
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, "exit");
      const overdue = setTimeout(() => child.kill("SIGKILL"), 2_000);
      if (child.connected) child.disconnect();
      await exit;
      clearTimeout(overdue);
    },
  };
}

function answer<Type extends Message["type"]>(
  child: ChildProcess,
  type: Type,
): Promise<Extract<Message, { type: Type }>> {
  return new Promise((resolve, reject) => {
    child.on("message", (message: Message) => {
      if (message.type === type) resolve(message as Extract<Message, { type: Type }>);
    });
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new Error(`a process ended (${signal ?? code}) before it was ${type}`));
    });
  });
}

function send(child: ChildProcess, command: Command): void {
  // One that has ended is told by its exit.
  child.send(command, () => {});
}
