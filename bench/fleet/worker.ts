// One process of the fleet: calls getAuthHeader for random endpoints, at a steady rate.
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { createRedisCache } from "endpoint-security/redis";
import { type Command, type WorkerMessage, type WorkerTask, warmUpClient } from "./messages.ts";
import { Waits } from "./waits.ts";

const reportEveryMs = 250;
const tickMs = 10;
/** Beyond that, callers would only measure one another. */
const mostWaiting = 2_000;

interface Counts {
  calls: number;
  readonly errors: Record<string, number>;
  expired: number;
  leastLeftMs: number;
  skipped: number;
  fromRedis: number;
  fromTokenEndpoint: number;
  lastFailedAt: number | null;
}

const none = (): Counts => ({
  calls: 0,
  errors: {},
  expired: 0,
  leastLeftMs: Infinity,
  skipped: 0,
  fromRedis: 0,
  fromTokenEndpoint: 0,
  lastFailedAt: null,
});

function tell(message: WorkerMessage): void {
  if (process.connected) process.send?.(message);
}

/** When the token in the header expires by its own `exp`, in milliseconds since the epoch. */
function expiryOf(header: string): number {
  const payload = header.split(".")[1];
  if (payload === undefined) throw new Error("the token is no JWT");
  const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  if (typeof claims !== "object" || claims === null || !("exp" in claims)) {
    throw new Error("the token has no exp");
  }
  return Number(claims.exp) * 1_000;
}

/** Of an error, without what differs from endpoint to endpoint. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The time of the next attempt is another in each.
  return `${error.name}: ${error.message.replace(/^[^:]*: /, "").replace(/ \(repeated .*\)$/, "")}`;
}

class Worker {
  readonly #endpoints: readonly EndpointConfig[];
  readonly #security: EndpointSecurity;
  readonly #callsPerSecond: number;
  /** The header that each endpoint gave last, and when its token expires. */
  readonly #last: { header: string; expiresAt: number }[] = [];
  readonly #waits = new Waits();
  #counts = none();
  /** Whether the library goes without its cache just now. */
  #alone = false;
  #waiting = 0;
  #due = 0;

  constructor(task: WorkerTask) {
    const { callsPerSecond, cacheTimeoutMs, clients, redisUrl, tokenUrl } = task;

    this.#callsPerSecond = callsPerSecond;
    this.#endpoints = clients.map(({ clientId, clientSecret = "" }) => ({
      name: clientId,
      grantType: "client_credentials",
      tokenUrl,
      clientId,
      clientSecret,
      scope: "orders:read",
    }));
    const byClient = new Map(clients.map(({ clientId }, index) => [clientId, index]));
    this.#security = new EndpointSecurity({
      cache: createRedisCache({ url: redisUrl }),
      cacheTimeoutMs,
      fetch: (input, init) => {
        const basic = new Headers(init?.headers).get("authorization")?.slice("Basic ".length) ?? "";
        const [clientId = ""] = Buffer.from(basic, "base64").toString().split(":");
        const endpoint = byClient.get(decodeURIComponent(clientId));
        if (endpoint !== undefined) {
          tell({ type: "asked", at: Date.now(), endpoint, alone: this.#alone });
        }
        return fetch(input, init);
      },
    });
    const answered = (name: string, expiresAt?: number) => {
      const endpoint = byClient.get(name);
      if (endpoint !== undefined) tell({ type: "answered", endpoint, expiresAt });
    };
    this.#security.on("tokenObtained", ({ endpoint, expiresAt }) => answered(endpoint, expiresAt));
    this.#security.on("tokenRequestFailed", ({ endpoint }) => answered(endpoint));
    this.#security.on("cacheFailed", ({ operation, reason, message }) => {
      // An entry that can't be read is no outage: no recovery follows it.
      if (reason !== "unusable_entry") this.#alone = true;
      tell({ type: "cache", at: Date.now(), failure: `${operation} ${reason}: ${message}` });
    });
    this.#security.on("cacheRecovered", () => {
      this.#alone = false;
      tell({ type: "cache", at: Date.now(), failure: undefined });
    });
  }

  /** As a readiness check does: everything is loaded and connected, and no endpoint has its token yet. */
  async warmUp({ tokenUrl }: WorkerTask): Promise<void> {
    const warmUp: EndpointConfig = {
      grantType: "client_credentials",
      tokenUrl,
      clientId: warmUpClient,
      clientSecret: warmUpClient,
      // Nobody's but this process's.
      customParameters: { process: String(process.pid) },
    };
    // Without Redis or a token this process gets its calls all the same.
    await this.#security.getAuthHeader(warmUp).catch(() => {});
  }

  run(): void {
    const start = performance.now();
    setInterval(() => this.#report(), reportEveryMs);
    setInterval(() => {
      // By the clock, so that a late timer doesn't make the load lighter.
      const due = Math.floor(((performance.now() - start) / 1_000) * this.#callsPerSecond);
      for (; this.#due < due; this.#due++) {
        if (this.#waiting < mostWaiting) void this.#call();
        else this.#counts.skipped++;
      }
    }, tickMs);
  }

  async #call(): Promise<void> {
    const index = Math.floor(Math.random() * this.#endpoints.length);
    const endpoint = this.#endpoints[index];
    if (endpoint === undefined) return;
    this.#waiting++;
    const start = performance.now();
    const askedAt = Date.now();
    try {
      const header = await this.#security.getAuthHeader(endpoint);
      const now = Date.now();
      this.#waits.add(performance.now() - start);
      this.#returned(index, endpoint, header, now);
    } catch (error) {
      const name = nameOf(error);
      this.#counts.errors[name] = (this.#counts.errors[name] ?? 0) + 1;
      this.#counts.lastFailedAt = Math.max(this.#counts.lastFailedAt ?? 0, askedAt);
    }
    this.#counts.calls++;
    this.#waiting--;
  }

  #returned(index: number, endpoint: EndpointConfig, header: string, now: number): void {
    let last = this.#last[index];
    if (last?.header !== header) {
      last = { header, expiresAt: expiryOf(header) };
      this.#last[index] = last;
      if (this.#security.explain(endpoint).source === "cache") this.#counts.fromRedis++;
      else this.#counts.fromTokenEndpoint++;
    }
    const left = last.expiresAt - now;
    this.#counts.leastLeftMs = Math.min(this.#counts.leastLeftMs, left);
    if (left <= 0) this.#counts.expired++;
  }

  #report(): void {
    const { leastLeftMs, ...counts } = this.#counts;
    this.#counts = none();
    const { longestMs } = this.#waits;
    tell({
      type: "report",
      at: Date.now(),
      ...counts,
      leastLeftMs: Number.isFinite(leastLeftMs) ? leastLeftMs : null,
      longestWaitMs: longestMs,
      waits: this.#waits.take(),
    });
  }
}

let worker: Worker | undefined;
process.on("message", async (command: Command) => {
  if (command.type === "go") worker?.run();
  else {
    worker = new Worker(command.task);
    if (!command.task.cold) await worker.warmUp(command.task);
    tell({ type: "ready" });
  }
});
// Its end is the end of whoever started it.
process.on("disconnect", () => process.exit());
// Ctrl-C reaches the whole group; the one who started this one decides.
process.on("SIGINT", () => {});
