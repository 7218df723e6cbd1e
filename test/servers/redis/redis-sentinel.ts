import { infoField } from "./redis-cli.ts";
import { type RunningRedis, startRedis } from "./redis-server.ts";
import { waitUntil } from "./wait-until.ts";

const masterName = "shared-cache";

export interface RedisSentinelOptions {
  /** Of both data servers (`requirepass` and `masterauth`). */
  readonly password?: string | undefined;
  /** Of the sentinels themselves. */
  readonly sentinelPassword?: string | undefined;
}

export interface RunningRedisSentinel {
  readonly masterName: string;
  readonly sentinels: readonly RunningRedis[];
  /** The master at the start; it keeps this name after a failover. */
  readonly master: RunningRedis;
  readonly replica: RunningRedis;
  /** The server the sentinels name as master now. */
  currentMaster(): Promise<RunningRedis>;
  /**
   * Kills the current master and waits until every running sentinel names the other server.
   * `restart()` on the killed one brings it back: as a master first, demoted moments later.
   */
  failover(): Promise<void>;
  stop(): Promise<void>;
}

/** A master, its replica and three sentinels (quorum 2); resolves once all of them know each other. */
export async function startRedisSentinel(
  options: RedisSentinelOptions = {},
): Promise<RunningRedisSentinel> {
  const started: RunningRedis[] = [];
  const keep = (server: RunningRedis) => {
    started.push(server);
    return server;
  };
  const stop = async () => {
    await Promise.all(started.map((server) => server.stop()));
  };
  try {
    const master = keep(await startDataServer(options.password));
    const replica = keep(await startDataServer(options.password, master));
    // Sentinels ask a master for its replicas only every ten seconds: it must know them before.
    await waitUntil("the replica to follow its master", async () => {
      const info = await replica.cli("INFO", "replication");
      return infoField(info, "master_link_status") === "up";
    });
    const sentinels: RunningRedis[] = [];
    for (let count = 0; count < 3; count += 1) {
      sentinels.push(keep(await startSentinel(master, options)));
    }
    await Promise.all(sentinels.map((sentinel) => untilInformed(sentinel, sentinels.length)));

    const running = () => sentinels.filter((sentinel) => sentinel.running);
    const currentMaster = async () => {
      const port = await masterPort(running()[0]);
      return port === replica.port ? replica : master;
    };
    return {
      masterName,
      sentinels,
      master,
      replica,
      currentMaster,
      failover: async () => {
        // A sentinel that does not find the other server healthy yet would not promote it.
        await Promise.all(running().map((sentinel) => untilInformed(sentinel, running().length)));
        const old = await currentMaster();
        const next = old === master ? replica : master;
        await old.kill();
        await untilPromoted(next, running());
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startDataServer(
  password: string | undefined,
  master?: RunningRedis,
): Promise<RunningRedis> {
  return startRedis({
    password,
    config: {
      ...(password === undefined ? {} : { masterauth: JSON.stringify(password) }),
      ...(master ? { replicaof: `${master.host} ${master.port}` } : {}),
      "replica-announce-ip": "127.0.0.1",
      // Five seconds by default.
      "repl-diskless-sync-delay": "0",
      "repl-ping-replica-period": "1",
    },
  });
}

async function startSentinel(
  master: RunningRedis,
  { password, sentinelPassword }: RedisSentinelOptions,
): Promise<RunningRedis> {
  const sentinel = await startRedis({
    sentinel: true,
    password: sentinelPassword,
    lines: [
      `sentinel monitor ${masterName} ${master.host} ${master.port} 2`,
      `sentinel down-after-milliseconds ${masterName} 1000`,
      // Also the pause before a lost election is repeated (twice this).
      `sentinel failover-timeout ${masterName} 2000`,
      ...(password === undefined
        ? []
        : [`sentinel auth-pass ${masterName} ${JSON.stringify(password)}`]),
      ...(sentinelPassword === undefined
        ? []
        : [`sentinel sentinel-pass ${JSON.stringify(sentinelPassword)}`]),
    ],
  });
  // INFO every 10 s and PUBLISH every 2 s would leave a returning master one for up to 20 s;
  // PING every second would find a server down that was merely not asked in time.
  const periods = ["INFO-PERIOD", "1000", "PUBLISH-PERIOD", "250", "PING-PERIOD", "300"];
  await sentinel.cli("SENTINEL", "DEBUG", ...periods);
  return sentinel;
}

async function untilInformed(sentinel: RunningRedis, reachable: number): Promise<void> {
  await waitUntil(`sentinel ${sentinel.port} to know the others`, async () => {
    const master = pairs(await sentinel.cli("SENTINEL", "MASTER", masterName));
    const replica = pairs(await sentinel.cli("SENTINEL", "REPLICAS", masterName));
    return (
      master.get("flags") === "master" &&
      master.get("num-slaves") === "1" &&
      replica.get("flags") === "slave" &&
      replica.get("master-link-status") === "ok" &&
      // Quorum counts only sentinels that are reachable right now.
      (await sentinel.cli("SENTINEL", "CKQUORUM", masterName)).startsWith(`OK ${reachable} `)
    );
  });
}

async function untilPromoted(next: RunningRedis, sentinels: readonly RunningRedis[]) {
  await waitUntil(
    "the sentinels to agree on the new master",
    async () => {
      const ports = await Promise.all(sentinels.map((sentinel) => masterPort(sentinel)));
      return (
        ports.every((port) => port === next.port) && (await next.cli("ROLE")).startsWith("master")
      );
    },
    45_000,
  );
}

async function masterPort(sentinel: RunningRedis | undefined): Promise<number> {
  const address = await sentinel?.cli("SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName);
  return Number(address?.split("\n")[1]);
}

/** redis-cli prints a map as name and value lines in turn. */
function pairs(output: string): Map<string, string> {
  const lines = output.split("\n");
  const map = new Map<string, string>();
  for (let index = 0; index + 1 < lines.length; index += 2) {
    map.set(lines[index] ?? "", lines[index + 1] ?? "");
  }
  return map;
}
