import { type ChildProcess, fork } from "node:child_process";
import type { Command, WorkerMessage, WorkerTask } from "./messages.ts";

export interface Member {
  readonly id: number;
  readonly child: ChildProcess;
  /** Whether it goes without its cache, as it says. */
  alone: boolean;
  running: boolean;
}

/** So that those who load don't take the processors from those who measure their deadlines. */
const startedAtOnce = 2;

type Listen = (from: Member, message: WorkerMessage) => void;

/** The processes. One that ends is replaced, until the fleet is stopped. */
export class Fleet {
  readonly #file: string;
  readonly #task: WorkerTask;
  readonly #listen: Listen;
  readonly #members: Member[] = [];
  readonly #killedAt = new Map<number, number>();
  #started = 0;
  #running = false;
  #stopped = false;
  #unexpected = 0;

  constructor(file: string, task: WorkerTask, listen: Listen) {
    this.#file = file;
    this.#task = task;
    this.#listen = listen;
  }

  /** Processes that ended, and nobody had killed them. */
  get unexpectedEnds(): number {
    return this.#unexpected;
  }

  get running(): number {
    return this.#members.filter(({ running }) => running).length;
  }

  get alone(): number {
    return this.#members.filter((member) => member.running && member.alone).length;
  }

  /** When the process was killed, if it was. */
  killedAt(id: number): number | undefined {
    return this.#killedAt.get(id);
  }

  /** Starts them, a few at a time, until all are ready. */
  async start(processes: number, progress: (ready: number) => void): Promise<void> {
    let left = processes;
    const starting = Array.from({ length: startedAtOnce }, async () => {
      while (left > 0) {
        left--;
        await this.#spawn();
        progress(this.running);
      }
    });
    await Promise.all(starting);
  }

  /** Lets them all go at once. */
  go(): void {
    this.#running = true;
    for (const { child } of this.#members) send(child, { type: "go" });
  }

  /** kill -9, and another in its place. */
  kill(count: number): void {
    const candidates = this.#members.filter(({ running }) => running);
    for (let done = 0; done < count && candidates.length > 0; done++) {
      const [member] = candidates.splice(Math.floor(Math.random() * candidates.length), 1);
      if (member !== undefined) this.killOne(member);
    }
  }

  killOne(member: Member): void {
    this.#killedAt.set(member.id, Date.now());
    member.child.kill("SIGKILL");
  }

  /** Nobody is replaced any more. Synchronous, for the end of this process. */
  stop(): void {
    this.#stopped = true;
    for (const { child } of this.#members) child.kill("SIGKILL");
  }

  /** @returns once the process is ready to go */
  async #spawn(): Promise<void> {
    const child = fork(this.#file, { execArgv: [] });
    const member: Member = { id: this.#started++, child, alone: false, running: false };
    this.#members.push(member);
    await new Promise<void>((ready, failed) => {
      child.on("message", (message: WorkerMessage) => {
        if (message.type === "cache") member.alone = message.failure !== undefined;
        if (message.type === "ready") {
          member.running = true;
          if (this.#running) send(child, { type: "go" });
          ready();
        } else this.#listen(member, message);
      });
      child.once("exit", (code) => {
        const wasReady = member.running;
        member.running = false;
        this.#members.splice(this.#members.indexOf(member), 1);
        if (this.#stopped) return;
        if (!this.#killedAt.has(member.id)) this.#unexpected++;
        // One that can't even start would be replaced for ever.
        if (wasReady || this.#killedAt.has(member.id)) void this.#spawn().catch(() => {});
        failed(new Error(`a process of the fleet ended (${code}) before it was ready`));
      });
      send(child, { type: "task", task: this.#task });
    });
  }
}

function send(child: ChildProcess, command: Command): void {
  // To one that has just been killed, in vain.
  child.send(command, () => {});
}
