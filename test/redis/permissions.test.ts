import { beforeAll, expect, it } from "vitest";
import { startRedisCluster } from "../servers/redis/redis-cluster.ts";
import { startRedisSentinel } from "../servers/redis/redis-sentinel.ts";
import { type RunningRedis, startRedis } from "../servers/redis/redis-server.ts";
import { cacheOf, describeWithRedis, failureOf, roundTrip } from "./redis-suite.ts";

const required = ["+get", "+set", "+unlink", "+pexpire"];
const optional = ["+eval", "+time"];
const login = { username: "app", password: "app-secret" };

/** `reset`, so that nothing is allowed but what is named. */
const allow = (server: RunningRedis, ...rules: readonly string[]) =>
  server.cli("ACL", "SETUSER", "app", "reset", "on", ">app-secret", ...rules);

const denied = async (server: RunningRedis) => {
  const log = await server.cli("ACL", "LOG");
  return [...log.matchAll(/^object\n(.*)$/gm)].map(([, object]) => object);
};

describeWithRedis("A user of Redis needs to be allowed", () => {
  const keys = "~endpoint-security:*";
  let server: RunningRedis;
  beforeAll(async () => {
    server = await startRedis();
    return () => server.stop();
  });
  const everything = async (database?: number) => {
    const { host, port } = server;
    await server.cli("ACL", "LOG", "RESET");
    // A user who may not do all of it leaves a lease behind.
    await server.cli("FLUSHALL");
    const cache = cacheOf({ host, port, ...login, ...(database !== undefined && { database }) });
    const { leases } = cache;
    expect(await roundTrip(cache)).toBe("value");
    expect(await leases.acquire("lease", "me", 60_000)).toBe(true);
    expect(await leases.extend("lease", "me", 60_000)).toBe(true);
    expect(await leases.release("lease", "me")).toBe(true);
  };

  it("no command but GET, SET, UNLINK, PEXPIRE, EVAL and TIME, and no key but the prefix's", async () => {
    await allow(server, keys, ...required, ...optional);
    await everything();
    expect(await denied(server)).toEqual([]);
  });

  it("SELECT besides, for another database than 0", async () => {
    await allow(server, keys, ...required, ...optional);
    expect(await failureOf(everything(2))).toBe("RedisCacheError NOPERM");
    await allow(server, keys, ...required, ...optional, "+select");
    await everything(2);
    expect(await denied(server)).toEqual([]);
  });

  it("neither EVAL nor TIME: leases and clock are a little worse then", async () => {
    await allow(server, keys, ...required);
    await everything();
    // Each is tried once a connection.
    expect((await denied(server)).sort()).toEqual(["eval", "time"]);
  });

  it("each of GET, SET, UNLINK and PEXPIRE", async () => {
    for (const missing of required) {
      await allow(server, keys, ...required.filter((rule) => rule !== missing), ...optional);
      expect(await failureOf(everything())).toBe("RedisCacheError NOPERM");
    }
    await allow(server, "~other:*", ...required, ...optional);
    expect(await failureOf(everything())).toBe("RedisCacheError NOPERM");
  });
});

describeWithRedis("A user of a Redis cluster needs to be allowed", () => {
  it("CLUSTER SLOTS and ASKING besides", async () => {
    const cluster = await startRedisCluster();
    try {
      for (const node of cluster.nodes) {
        const besides = ["+cluster|slots", "+asking"];
        await allow(node, "~endpoint-security:*", ...required, ...optional, ...besides);
      }
      const cache = cacheOf({ cluster: { nodes: cluster.nodes }, ...login });
      const slot = await cluster.slotOf("endpoint-security::entry");
      const from = await cluster.ownerOf(slot);
      const migration = await cluster.beginSlotMigration(slot, from, (from + 1) % 3);
      for (let count = 0; count < 20; count += 1) {
        expect(await roundTrip(cache, `entry-${count}`)).toBe("value");
      }
      expect(await roundTrip(cache)).toBe("value");
      await migration.finish();
      for (const node of cluster.nodes) expect(await denied(node)).toEqual([]);
    } finally {
      await cluster.stop();
    }
  });
});

describeWithRedis("A user of Redis sentinels needs to be allowed", () => {
  it("SENTINEL GET-MASTER-ADDR-BY-NAME alone", async () => {
    const running = await startRedisSentinel();
    try {
      const { sentinels, masterName: name, master } = running;
      for (const node of sentinels) await allow(node, "+sentinel|get-master-addr-by-name");
      await allow(master, "~endpoint-security:*", ...required, ...optional);
      const cache = cacheOf({ sentinel: { nodes: sentinels, name, ...login }, ...login });
      expect(await roundTrip(cache)).toBe("value");
      for (const node of sentinels) expect(await denied(node)).toEqual([]);
    } finally {
      await running.stop();
    }
  });
});
