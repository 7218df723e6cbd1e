import { setMaxListeners } from "node:events";
import { withDeadline } from "../waiting/deadline.ts";
import { connect } from "./connect.ts";
import { Connection } from "./connection.ts";
import type { RedisModule } from "./node-client.ts";
import { KeyvRedisPeer } from "./peer.ts";
import { RedisCacheError, redacted } from "./redis-error.ts";
import { ServerClock } from "./server-clock.ts";
import type { RedisSettings } from "./settings.ts";
import { keyUnder } from "./store.ts";

/** A connection that works in part is replaced no more often than this. */
const wornForMs = 1000;
/** How long closing waits for pending operations. */
const drainMs = 250;

/**
 * Has one connection at a time, and makes the next when somebody asks and the last is of no more use.
 * Nothing happens in the background, nothing is tried that nobody needs.
 */
export class Connections {
  readonly clock = new ServerClock();
  readonly #peer = new KeyvRedisPeer();
  readonly #settings: RedisSettings;
  readonly #onError: (error: Error) => void;
  #current: Connection | undefined;
  #renewing: Promise<void> | undefined;
  #stopRenewing: (() => void) | undefined;

  /** @param onError hears of a connection that ended by itself, once. */
  constructor(settings: RedisSettings, onError: (error: Error) => void) {
    this.#settings = settings;
    this.#onError = onError;
  }

  /** @returns undefined when there is a connection, else one promise for all who ask. */
  open(): Promise<void> | undefined {
    const current = this.#current;
    if (current === undefined || current.isLost || this.#isSilent(current)) return this.#renewed();
    // What still works serves in the meantime.
    if (current.isDegraded && performance.now() - current.madeAt > wornForMs) this.#renewed();
    if (!this.clock.isFresh)
      void current.use(({ client }) => this.clock.read(client)).catch(() => {});
    return undefined;
  }

  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.#current === undefined) throw new RedisCacheError("DISCONNECTED");
    return this.#current.use(work);
  }

  async close(): Promise<void> {
    this.#stopRenewing?.();
    this.#renewing = undefined;
    const current = this.#current;
    this.#current = undefined;
    await current?.retire(drainMs);
  }

  #renewed(): Promise<void> {
    if (this.#renewing !== undefined) return this.#renewing;
    const renewing = this.#renew().finally(() => {
      if (this.#renewing === renewing) this.#renewing = undefined;
    });
    // Who asked may have stopped listening.
    renewing.catch(() => {});
    this.#renewing = renewing;
    return renewing;
  }

  /** Whether it owes an answer for so long that it can't be expected any more. */
  #isSilent(connection: Connection): boolean {
    const { way, connectTimeoutMs } = this.#settings;
    return way.to !== "client" && connection.waitingForMs > connectTimeoutMs;
  }

  async #renew(): Promise<void> {
    const last = this.#current;
    if (last !== undefined && !last.isLost && !last.isDegraded) {
      // Silent because this process was busy? Then the answers are there, and are read first.
      await new Promise((resolve) => setImmediate(resolve));
      if (!last.isLost && !this.#isSilent(last)) return;
    }
    const sockets = new AbortController();
    // One for each socket: a cluster has many.
    setMaxListeners(0, sockets.signal);
    const stop = () => sockets.abort();
    this.#stopRenewing = stop;
    try {
      // The code has to be there first, and the deadline is for the server.
      const redis = await this.#peer.load();
      const connection = await withDeadline(
        this.#settings.connectTimeoutMs,
        () => this.#connect(redis, sockets),
        () => new RedisCacheError("TIMEOUT"),
      );
      if (sockets.signal.aborted) throw new RedisCacheError("DISCONNECTED");
      this.#current = connection;
      if (last?.isLost || (last && this.#isSilent(last))) last.destroy();
      else void last?.retire(this.#settings.connectTimeoutMs);
    } catch (error) {
      sockets.abort();
      if (last?.isLost) {
        last.destroy();
        if (this.#current === last) this.#current = undefined;
      }
      throw redacted(error);
    } finally {
      if (this.#stopRenewing === stop) this.#stopRenewing = undefined;
    }
  }

  async #connect(redis: RedisModule, sockets: AbortController): Promise<Connection> {
    const { way, keyPrefix, connectTimeoutMs } = this.#settings;
    const { signal } = sockets;
    let connection: Connection | undefined;
    let endIsNews = false;
    const onError = (error: unknown) => {
      if (endIsNews) this.#onError(redacted(error));
      endIsNews = false;
      connection?.suffer(error);
    };
    const connected = await connect(way, { redis, connectTimeoutMs, signal, onError });
    const answers = [this.clock.read(connected.client)];
    if (way.to === "server" || way.to === "sentinel") {
      // A frozen server accepts connections, and a loading one responds to nothing else.
      answers.push(connected.client.get(keyUnder(keyPrefix)("")).then(() => {}));
    }
    if (way.to !== "client") await Promise.all(answers);
    const destroy = () => {
      endIsNews = false;
      connected.destroy();
      sockets.abort();
    };
    connection = new Connection(redis, { ...connected, destroy }, keyPrefix);
    endIsNews = true;
    return connection;
  }
}
