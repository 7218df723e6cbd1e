import { setTimeout as pause } from "node:timers/promises";
import type { RunningRedis } from "../../test/servers/redis/redis-server.ts";
import type { Fleet, Member } from "./fleet.ts";
import type { RedisCommands } from "./redis-commands.ts";
import type { SlowProxy } from "./start-proxy.ts";

/** Something that was done to the fleet or its Redis. Times are milliseconds since the epoch. */
export interface Incident {
  readonly from: number;
  to: number;
  /** In the picture. */
  readonly mark: string;
  readonly what: string;
}

interface Step {
  /** When, as a share of the phase. */
  readonly at: number;
  readonly mark: string;
  readonly what: string;
  run(): Promise<void> | void;
}

/** What is done to the authorization server. */
export interface TokenEndpointSwitch {
  be(order: { readonly isDown: boolean }): void;
}

/** The token endpoint answers 503 for a while. @returns the incident, which is over */
export async function outage(server: TokenEndpointSwitch, seconds: number): Promise<Incident> {
  const from = Date.now();
  server.be({ isDown: true });
  await pause(seconds * 1_000);
  server.be({ isDown: false });
  const what = `the token endpoint answers 503 for ${seconds} s`;
  return { from, to: Date.now(), mark: "503", what };
}

/** What is done to the fleet, in order. The last part of the phase is left for it to recover. */
export class Chaos {
  readonly incidents: Incident[] = [];
  readonly #fleet: Fleet;
  readonly #redis: RunningRedis;
  readonly #proxy: SlowProxy;
  readonly #commands: RedisCommands;
  readonly #processes: number;
  #nextAsker = false;
  #slowMs = 0;

  constructor(
    fleet: Fleet,
    { redis, proxy }: { readonly redis: RunningRedis; readonly proxy: SlowProxy },
    commands: RedisCommands,
    processes: number,
  ) {
    this.#fleet = fleet;
    this.#redis = redis;
    this.#proxy = proxy;
    this.#commands = commands;
    this.#processes = processes;
  }

  /** Times at which Redis lost all it had. */
  get losses(): readonly number[] {
    return this.incidents.filter(({ mark }) => mark === "Redis").map(({ from }) => from);
  }

  /** A process is about to ask: the nastiest moment to kill it, since others wait for its token. */
  asked(member: Member): void {
    if (!this.#nextAsker) return;
    this.#nextAsker = false;
    this.#fleet.killOne(member);
  }

  async run(phaseMs: number): Promise<void> {
    const start = performance.now();
    // 3 s in a run of a minute.
    this.#slowMs = phaseMs / 12;
    for (const { at, mark, what, run } of this.#steps()) {
      await pause(Math.max(0, start + at * phaseMs - performance.now()));
      const incident = { from: Date.now(), to: Date.now(), mark, what };
      this.incidents.push(incident);
      await run();
      incident.to = Date.now();
    }
    await pause(Math.max(0, start + phaseMs - performance.now()));
  }

  #steps(): readonly Step[] {
    const quarter = Math.max(1, Math.round(this.#processes / 4));
    return [
      this.#killed(0.03, 1),
      this.#killed(0.09, quarter),
      this.#askerKilled(0.15),
      { at: 0.2, mark: "Redis", what: "Redis restarts at once", run: () => this.#restart(0) },
      this.#killed(0.29, 1),
      this.#latency(0.35, 300),
      this.#killed(0.5, 1),
      this.#latency(0.56, 2_000),
      this.#killed(0.7, quarter),
      {
        at: 0.77,
        mark: "Redis",
        what: "Redis is killed, back in 1 s",
        run: () => this.#restart(1_000),
      },
      this.#askerKilled(0.87),
    ];
  }

  #killed(at: number, count: number): Step {
    const what = `kill -9 of ${count === 1 ? "a process" : `${count} processes`}`;
    return { at, mark: `†${count}`, what, run: () => this.#fleet.kill(count) };
  }

  #askerKilled(at: number): Step {
    return {
      at,
      mark: "†",
      what: "kill -9 of the next process to ask for a token",
      run: () => {
        this.#nextAsker = true;
      },
    };
  }

  #latency(at: number, ms: number): Step {
    const label = ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
    return {
      at,
      mark: label,
      what: `Redis answers ${label} late for a while`,
      run: async () => {
        this.#proxy.setLatency(ms);
        await pause(this.#slowMs);
        this.#proxy.setLatency(0);
      },
    };
  }

  async #restart(downMs: number): Promise<void> {
    await this.#commands.look();
    await this.#redis.kill();
    this.#commands.restarted();
    await pause(downMs);
    await this.#redis.restart();
  }
}
