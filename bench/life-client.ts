import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** How the authorization server is at the moment. */
export interface Mood {
  readonly lifeMs: number;
  readonly latencyMs: number;
  readonly isDown: boolean;
  /** Tokens issued until then are refused, in milliseconds since the epoch. */
  readonly revokedBefore: number;
}

/** What it saw of a client. */
export interface Figures {
  tokenRequests: number;
  refusedWhileDown: number;
  calls: number;
  /** Calls that came with a token past its end. */
  expired: number;
}

/** A token endpoint whose tokens end, with a backend, in a process of its own. */
export class LifeServer {
  readonly #process: ChildProcess;
  readonly origin: string;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.origin = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<LifeServer> {
    // Beside this file, compiled or as it was written.
    const isSource = import.meta.url.endsWith(".ts");
    const file = new URL(isSource ? "./life-server.ts" : "./life-server.js", import.meta.url);
    const execArgv = isSource ? ["--import", "tsx"] : [];
    const child = fork(fileURLToPath(file), [], { execArgv });
    const [port] = (await once(child, "message")) as [number];
    return new LifeServer(child, port);
  }

  async be(mood: Partial<Mood>): Promise<void> {
    if (this.#process.connected) this.#process.send(mood);
  }

  async figures(): Promise<Readonly<Record<string, Figures>>> {
    const answer = once(this.#process, "message");
    this.#process.send("figures");
    return (await answer)[0];
  }

  stop(): void {
    this.#process.disconnect();
  }
}
