import type { RunningRedis } from "../../test/servers/redis/redis-server.ts";

/** Those of redis-cli, with which the fixture and this bench look at the server. */
const notTheFleets = new Set(["info", "auth", "ping", "config"]);

/** Counts what the server did for the fleet, over its restarts. */
export class RedisCommands {
  readonly #redis: RunningRedis;
  #seen = new Map<string, number>();
  #totals = new Map<string, number>();

  constructor(redis: RunningRedis) {
    this.#redis = redis;
  }

  /** Adds what has been done since the last look. What a script does counts, too. */
  async look(): Promise<void> {
    let info: string;
    try {
      info = await this.#redis.cli("INFO", "commandstats");
    } catch {
      // It is down at the moment.
      return;
    }
    for (const [, name = "", calls] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
      if (notTheFleets.has(name)) continue;
      const before = this.#seen.get(name) ?? 0;
      const now = Number(calls);
      // A server that was started anew counts from zero.
      const since = now < before ? now : now - before;
      this.#totals.set(name, (this.#totals.get(name) ?? 0) + since);
      this.#seen.set(name, now);
    }
  }

  /** The server starts anew. */
  restarted(): void {
    this.#seen = new Map();
  }

  /** What was counted since the last time. */
  take(): ReadonlyMap<string, number> {
    const totals = this.#totals;
    this.#totals = new Map();
    return totals;
  }
}
