import type { RedisCommands } from "./commands.ts";

const freshForMs = 60_000;
/** A response that took longer says little about the current time. */
const slowMs = 500;

/**
 * The clock of the Redis server, which is the same for every process. Until it was asked, and where
 * `TIME` is forbidden, it is the process's own.
 */
export class ServerClock {
  /** What the server's clock said, and what this process's uptime was then. */
  #reading: { readonly serverMs: number; readonly at: number } | undefined;
  #readAt = Number.NEGATIVE_INFINITY;

  now(): number {
    if (this.#reading === undefined) return Date.now();
    // By the uptime: the clock of the process may be set right in the meantime.
    return this.#reading.serverMs + performance.now() - this.#reading.at;
  }

  get isFresh(): boolean {
    return performance.now() - this.#readAt < freshForMs;
  }

  /** Asks the server. It is all right if it doesn't say. */
  async read(client: Pick<RedisCommands, "time">): Promise<void> {
    const asked = performance.now();
    this.#readAt = asked;
    try {
      const reply = await client.time();
      const at = performance.now();
      const [seconds, microseconds] = Array.isArray(reply) ? reply.map(Number) : [];
      const serverMs = Number(seconds) * 1000 + Number(microseconds) / 1000;
      // It said so about halfway between question and answer.
      const isBetter = this.#reading === undefined || at - asked <= slowMs;
      if (serverMs > 0 && isBetter) this.#reading = { serverMs, at: (asked + at) / 2 };
    } catch {
      // Not allowed, or disconnected: the next one who needs the connection finds out.
    }
  }
}
