import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inject, onTestFinished } from "vitest";
import type { Answer, MemberSettings, Order } from "./protocol.ts";

const built = (file: string) => join(inject("builtProcesses"), `${file}.mjs`);

/** A process of the fleet. */
export class Member {
  readonly process: ChildProcess;
  /** How many token requests it began. */
  asked = 0;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #orders = 0;
  #isReady: () => void = () => {};
  readonly ready = new Promise<void>((resolve) => {
    this.#isReady = resolve;
  });

  constructor(settings: MemberSettings, clockOffMs = 0) {
    const preloaded =
      clockOffMs === 0 ? [] : ["--import", pathToFileURL(built("skewed-clock")).href];
    this.process = fork(built("member"), {
      execPath: process.execPath,
      execArgv: preloaded,
      env: {
        ...process.env,
        MEMBER: JSON.stringify(settings),
        CLOCK_OFF_MS: String(clockOffMs),
      },
    });
    this.process.on("message", (answer: Answer) => this.#hear(answer));
    onTestFinished(() => void this.process.kill("SIGKILL"));
  }

  async headers(callers = 1, rejectedToken?: string): Promise<Required<Outcome>> {
    const more = rejectedToken === undefined ? {} : { rejectedToken };
    const { headers = [], errors = [] } = await this.#order({ what: "headers", callers, ...more });
    return { headers, errors };
  }

  async header(rejectedToken?: string): Promise<string | undefined> {
    const { headers, errors } = await this.headers(1, rejectedToken);
    return headers[0] ?? errors[0];
  }

  async invalidate(): Promise<void> {
    await this.#order({ what: "invalidate" });
  }

  async events(): Promise<readonly string[]> {
    return (await this.#order({ what: "events" })).events ?? [];
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const gone = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await gone;
  }

  /** Lets go of it: from now on it lives only for what it has to do. @returns its exit code */
  async exit(): Promise<unknown> {
    const gone = once(this.process, "exit");
    this.process.disconnect();
    return (await gone)[0];
  }

  #hear(answer: Answer): void {
    if (answer.ready) this.#isReady();
    if (answer.asking) this.asked += 1;
    if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
  }

  #order(order: Omit<Order, "id">): Promise<Answer> {
    const id = ++this.#orders;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.process.send({ ...order, id });
    });
  }
}

interface Outcome {
  readonly headers: readonly string[];
  readonly errors: readonly string[];
}

/** So many processes that are ready to be asked. */
export async function startFleet(size: number, settings: MemberSettings): Promise<Member[]> {
  const members = Array.from({ length: size }, () => new Member(settings));
  await Promise.all(members.map(({ ready }) => ready));
  return members;
}

/** What all of them got together. */
export function together(outcomes: readonly Outcome[]): Outcome {
  return {
    headers: outcomes.flatMap(({ headers }) => headers),
    errors: outcomes.flatMap(({ errors }) => errors),
  };
}

export const tokenIn = (header = "") => header.slice("Bearer ".length);
