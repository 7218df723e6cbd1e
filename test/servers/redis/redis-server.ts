import { readFile } from "node:fs/promises";
import { findRedisServer } from "./find-redis.ts";
import { onFreePort, PortTakenError } from "./free-port.ts";
import { infoField, redisCli } from "./redis-cli.ts";
import { configPath, logPath, type RedisOptions, writeConfig } from "./redis-config.ts";
import { dumpRedis } from "./redis-dump.ts";
import { type LaunchedProcess, launch } from "./redis-process.ts";
import { removeFolder, temporaryFolder } from "./temporary-folder.ts";
import { waitUntil } from "./wait-until.ts";

export type { RedisOptions } from "./redis-config.ts";

export interface RunningRedis {
  /** With the default user's password, if there is one; `rediss:` with TLS. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Same as `port` when the server speaks TLS. */
  readonly tlsPort?: number;
  /** Changes with a restart. */
  readonly pid: number;
  /** False after `kill()` and `stop()`; a frozen server runs. */
  readonly running: boolean;
  readonly dir: string;
  /** redis-cli as an all-powerful user; resolves to the raw output, rejects on an error reply. */
  cli(...args: string[]): Promise<string>;
  /** Ends the server and removes its data. May be called twice. */
  stop(): Promise<void>;
  /** SIGKILL; `restart()` brings the server back. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Same port, folder and configuration; without persistence the data is gone. */
  restart(): Promise<void>;
  /** Every key of every database with its value; see `redis-dump.ts` for the naming. */
  dump(): Promise<Record<string, string>>;
}

/** A redis-server on a free loopback port; resolves once it answers PING. */
export async function startRedis(options: RedisOptions = {}): Promise<RunningRedis> {
  const found = await findRedisServer();
  if ("missing" in found) throw new Error(found.missing);
  const start = (port: number) => startOn(port, found.path, options);
  return options.port === undefined ? onFreePort(start) : start(options.port);
}

async function startOn(port: number, binary: string, options: RedisOptions): Promise<RunningRedis> {
  const host = "127.0.0.1";
  const dir = await temporaryFolder("redis");
  const boot = async () => {
    const args = [configPath(dir), ...(options.sentinel ? ["--sentinel"] : [])];
    const server = await launch(binary, args, logPath(dir));
    await untilReady(server, dir, port);
    return server;
  };
  let server: LaunchedProcess;
  try {
    await writeConfig(dir, port, options);
    server = await boot();
  } catch (error) {
    await removeFolder(dir);
    throw error;
  }
  const end = async (signal: NodeJS.Signals) => {
    server.signal(signal);
    // A frozen server cannot act on SIGTERM.
    server.signal("SIGCONT");
    await server.exited();
  };
  const login = options.password === undefined ? "" : `:${encodeURIComponent(options.password)}@`;
  return {
    url: `${options.tls ? "rediss" : "redis"}://${login}${host}:${port}`,
    host,
    port,
    ...(options.tls ? { tlsPort: port } : {}),
    get pid() {
      return server.pid;
    },
    get running() {
      return server.running;
    },
    dir,
    cli: (...args) => redisCli(dir, args),
    stop: async () => {
      await end("SIGKILL");
      await removeFolder(dir);
    },
    kill: () => end("SIGKILL"),
    freeze: () => server.signal("SIGSTOP"),
    thaw: () => server.signal("SIGCONT"),
    restart: async () => {
      // SIGTERM lets a server with persistence write its data first.
      await end("SIGTERM");
      server = await boot();
    },
    dump: () => dumpRedis(dir),
  };
}

/** Ready means that this very process answers, and not one that took the port before it. */
async function untilReady(server: LaunchedProcess, dir: string, port: number): Promise<void> {
  try {
    const answered = await waitUntil(`redis-server on port ${port}`, async () => {
      // Looked at before asking: an early exit must not cost the whole waiting time.
      if (!server.running) return "ended";
      const pong = (await redisCli(dir, ["PING"])) === "PONG";
      const pid = infoField(await redisCli(dir, ["INFO", "server"]), "process_id");
      return pong && pid === String(server.pid) && "ready";
    });
    if (answered === "ready") return;
  } catch (error) {
    server.signal("SIGKILL");
    await server.exited();
    throw error;
  }
  const log = await readFile(logPath(dir), "utf8");
  const reason = `redis-server on port ${port} ended at once:\n${log.slice(-2000)}`;
  throw /address already in use/i.test(log) ? new PortTakenError(reason) : new Error(reason);
}
