import { type Asked, type Placed, placed, settledUntil } from "./lifetimes.ts";
import type { TokenRequest, WorkerReport } from "./messages.ts";
import { Waits } from "./waits.ts";

/** A process is about to send a token request, as it says itself. */
interface WorkerAsk {
  readonly at: number;
  readonly worker: number;
  readonly clientId: string;
  readonly alone: boolean;
  /** When the token that came of it expires; -Infinity if none came. */
  expiresAt?: number;
}

interface MatchedRequest extends Asked {
  readonly ask: WorkerAsk | undefined;
}

/** Why a token request was made that a token in the cache could have saved. */
const causes = [
  "its process was without Redis",
  "the token wasn't in Redis: lost by it, or had by a process without it",
  "who had asked was killed before others had its token",
  "the request before it had failed",
  "no excuse",
] as const;

type Cause = (typeof causes)[number];

/** What was counted in a phase. */
export class Phase {
  readonly name: string;
  /** At most so many token requests per endpoint and lifetime. */
  readonly goal: number;
  readonly from: number;
  to = Infinity;
  readonly waits = new Waits();
  readonly errors = new Map<string, number>();
  readonly cacheFailures = new Map<string, number>();
  commands: ReadonlyMap<string, number> = new Map();
  calls = 0;
  expired = 0;
  skipped = 0;
  fromRedis = 0;
  leastLeftMs = Infinity;
  /** When the last call came that failed. */
  lastFailedAt = -Infinity;

  constructor(name: string, goal: number) {
    this.name = name;
    this.goal = goal;
    this.from = Date.now();
  }

  get seconds(): number {
    return (this.to - this.from) / 1_000;
  }

  add(report: WorkerReport): void {
    this.calls += report.calls;
    this.expired += report.expired;
    this.skipped += report.skipped;
    this.fromRedis += report.fromRedis;
    this.lastFailedAt = Math.max(this.lastFailedAt, report.lastFailedAt ?? -Infinity);
    this.leastLeftMs = Math.min(this.leastLeftMs, report.leastLeftMs ?? Infinity);
    this.waits.merge(report.waits, report.longestWaitMs);
    for (const [name, times] of Object.entries(report.errors)) {
      this.errors.set(name, (this.errors.get(name) ?? 0) + times);
    }
  }
}

/** How many requests there were, and for how many lives. */
export interface Lives {
  readonly requests: number;
  readonly lives: number;
}

/** All that was seen of the token requests. */
export class Observed {
  readonly phases: Phase[] = [];
  readonly requests: TokenRequest[] = [];
  readonly asks: WorkerAsk[] = [];
  readonly #lifeSeconds: number;

  constructor(lifeSeconds: number) {
    this.#lifeSeconds = lifeSeconds;
  }

  begin(name: string, goal: number): Phase {
    const phase = new Phase(name, goal);
    const last = this.phases.at(-1);
    if (last !== undefined) last.to = phase.from;
    this.phases.push(phase);
    return phase;
  }

  phaseAt(at: number): Phase | undefined {
    return this.phases.findLast(({ from }) => from <= at) ?? this.phases[0];
  }

  /** What became of what the process last asked for at this endpoint. */
  answered(worker: number, clientId: string, expiresAt = -Infinity): void {
    const ask = this.asks.findLast((one) => one.worker === worker && one.clientId === clientId);
    if (ask !== undefined) ask.expiresAt = expiresAt;
  }

  /** By the authorization server's account, over the whole fleet. */
  fleetLives(phase: Phase): Lives {
    return this.#lives(phase, this.#matched());
  }

  /** Token requests of the whole fleet that failed. */
  failedRequests(phase: Phase): number {
    const here = this.requests.filter(({ at }) => phase.from <= at && at < phase.to);
    return here.filter(({ status }) => status === 503).length;
  }

  /** By each process's own account: what it asked though its own last token was still good. */
  processLives(phase: Phase): Lives {
    const asked = this.asks.map(({ at, expiresAt = -Infinity, worker, clientId }) => ({
      at,
      key: `${worker} ${clientId}`,
      // Whoever is killed before it hears an answer won't ask again.
      settledUntil: settledUntil(expiresAt, this.#lifeSeconds),
    }));
    return this.#lives(phase, asked);
  }

  /** Why requests were made that could have been saved. */
  excess(
    phase: Phase,
    losses: readonly number[],
    killedAt: (worker: number) => number | undefined,
  ): ReadonlyMap<Cause, readonly MatchedRequest[]> {
    const found = new Map<Cause, MatchedRequest[]>();
    for (const one of this.#place(this.#matched())) {
      if (one.request === one.opener || !within(phase, one.request)) continue;
      const cause = causeOf(one, losses, killedAt);
      found.set(cause, [...(found.get(cause) ?? []), one.request]);
    }
    return found;
  }

  #lives(phase: Phase, requests: readonly Asked[]): Lives {
    const here = this.#place(requests).filter(({ request }) => within(phase, request));
    const lives = here.filter(({ request, opener }) => request === opener).length;
    return { requests: here.length, lives };
  }

  #place<Request extends Asked>(requests: readonly Request[]): readonly Placed<Request>[] {
    return placed(requests);
  }

  /** Each request with the process that says it sent it: the last ask for the same before it. */
  #matched(): readonly MatchedRequest[] {
    const left = this.asks.toSorted((a, b) => b.at - a.at);
    return this.requests.map(({ at, clientId, status }) => {
      const index = left.findIndex((ask) => ask.clientId === clientId && ask.at <= at);
      const [ask] = index === -1 ? [] : left.splice(index, 1);
      // One that was killed can't say; the server gave it a token all the same.
      const told = ask?.expiresAt ?? at + this.#lifeSeconds * 1_000;
      const expiresAt = status === 200 ? told : -Infinity;
      return { at, key: clientId, settledUntil: settledUntil(expiresAt, this.#lifeSeconds), ask };
    });
  }
}

function within({ from, to }: Phase, { at }: Asked): boolean {
  return from <= at && at < to;
}

function causeOf(
  { request, opener }: Placed<MatchedRequest>,
  losses: readonly number[],
  killedAt: (worker: number) => number | undefined,
): Cause {
  const [withoutRedis, notInRedis, killed, failed, noExcuse] = causes;
  if (request.ask?.alone) return withoutRedis;
  const lost = losses.some((at) => opener.at - 100 <= at && at <= request.at);
  if (opener.ask?.alone || lost) return notInRedis;
  const end = opener.ask && killedAt(opener.ask.worker);
  // As long as its lease kept the others waiting.
  if (end !== undefined && end <= request.at && end - opener.at < 1_000) return killed;
  return opener.settledUntil > opener.at ? noExcuse : failed;
}

/** Seconds since the beginning, for the eye. */
export function clock(at: number, start: number): string {
  return `${((at - start) / 1_000).toFixed(1).padStart(5)} s`;
}
