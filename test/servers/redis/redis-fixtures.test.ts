import { connect } from "node:net";
import { createClient, createCluster, createSentinel } from "@keyv/redis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { makeCertificates, type TestCertificates } from "./certificates.ts";
import { redisServerForTests, skipUnlessCi } from "./find-redis.ts";
import { startRedisCluster } from "./redis-cluster.ts";
import { redisForTests } from "./redis-for-tests.ts";
import { startRedisSentinel } from "./redis-sentinel.ts";
import { type RedisOptions, type RunningRedis, startRedis } from "./redis-server.ts";
import { startTcpProxy } from "./slow-proxy.ts";
import { waitUntil } from "./wait-until.ts";

const redis = await redisServerForTests();

async function redisHere(options?: RedisOptions): Promise<RunningRedis> {
  const server = await startRedis(options);
  onTestFinished(() => server.stop());
  return server;
}

type ClientSettings = NonNullable<Parameters<typeof createClient>[0]>;

async function clientOf(settings: ClientSettings) {
  const client = createClient(settings);
  client.on("error", () => {});
  onTestFinished(() => {
    if (client.isOpen) client.destroy();
  });
  await client.connect();
  return client;
}

const once = { connectTimeout: 3000, reconnectStrategy: false } as const;

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.skipIf("skipped" in redis)("real Redis fixtures", { timeout: 90_000 }, () => {
  describe("a single server", () => {
    it("stores what a client writes and shows it in its dump, key names included", async () => {
      const server = await redisHere({ databases: 4 });
      const client = await clientOf({ url: server.url });
      await client.set("token", "sécret");
      await client.hSet("entry", { a: "1" });
      await client.select(3);
      await client.set("token", "other");
      expect(await server.dump()).toEqual({
        token: "sécret",
        entry: '{"a":"1"}',
        "db3/token": "other",
      });
    });

    it("asks for the password and lets its own redis-cli in", async () => {
      const server = await redisHere({ password: 'p@ss "word"' });
      const withPassword = await clientOf({ url: server.url });
      expect(await withPassword.ping()).toBe("PONG");
      const without = clientOf({ url: `redis://${server.host}:${server.port}`, socket: once });
      await expect(without.then((client) => client.ping())).rejects.toThrow("NOAUTH");
      expect(await server.cli("PING")).toBe("PONG");
    });

    it("limits an ACL user to its keys", async () => {
      const server = await redisHere({ users: ["default off", "app on >secret ~app:* +@all"] });
      const url = server.url.replace("//", "//app:secret@");
      const client = await clientOf({ url });
      await client.set("app:a", "1");
      await expect(client.set("b", "1")).rejects.toThrow("NOPERM");
      expect(await server.dump()).toEqual({ "app:a": "1" });
    });

    it("applies further configuration", async () => {
      const server = await redisHere({
        maxmemory: "8mb",
        config: { "maxmemory-policy": "allkeys-lru" },
      });
      expect(await server.cli("CONFIG", "GET", "maxmemory")).toBe("maxmemory\n8388608");
      expect(await server.cli("CONFIG", "GET", "maxmemory-policy")).toContain("allkeys-lru");
      await expect(server.cli("NOSUCHCOMMAND")).rejects.toThrow("unknown command");
    });

    it("says why it did not start", async () => {
      await expect(redisHere({ config: { maxmemory: "plenty" } })).rejects.toThrow("maxmemory");
      const { port } = await redisHere();
      await expect(redisHere({ port })).rejects.toThrow(/in use/i);
    });

    it("comes back empty on the same port after a kill", async () => {
      const server = await redisHere();
      await server.cli("SET", "a", "1");
      const { pid } = server;
      await server.kill();
      expect(isAlive(pid)).toBe(false);
      await expect(clientOf({ url: server.url, socket: once })).rejects.toThrow("ECONNREFUSED");
      await server.restart();
      expect(server.pid).not.toBe(pid);
      const client = await clientOf({ url: server.url });
      expect(await client.get("a")).toBeNull();
    });

    it("keeps its data over a restart when persistence is asked for", async () => {
      const server = await redisHere({ config: { appendonly: "yes" } });
      await server.cli("SET", "a", "1");
      await server.restart();
      expect(await server.dump()).toEqual({ a: "1" });
    });

    it("answers nothing while frozen and everything after", async () => {
      const server = await redisHere();
      const client = await clientOf({ url: server.url });
      const yardstick = await clientOf({ url: (await redisHere()).url });
      server.freeze();
      let answered = false;
      const answer = client.ping().finally(() => {
        answered = true;
      });
      // Connections still open, and a healthy server would have answered by now.
      await tcpConnect(server.port);
      for (let count = 0; count < 50; count += 1) await yardstick.ping();
      expect(answered).toBe(false);
      server.thaw();
      expect(await answer).toBe("PONG");
    });

    it("stops even when frozen, twice without complaint", async () => {
      const server = await redisHere();
      const { pid } = server;
      server.freeze();
      await server.stop();
      await server.stop();
      expect(isAlive(pid)).toBe(false);
    });

    it("is found for suites that only need an address", async () => {
      const shared = await redisForTests();
      if ("skipped" in shared) throw new Error(shared.skipped);
      onTestFinished(() => shared.stop());
      expect(["path", "installed"]).toContain(shared.origin);
      const client = await clientOf({ url: shared.url });
      expect(await client.ping()).toBe("PONG");
    });
  });

  describe("a server with TLS", () => {
    let certificates: TestCertificates;
    beforeAll(async () => {
      certificates = await makeCertificates();
    });
    afterAll(() => certificates.remove());

    const tlsServer = (requireClientCertificate?: boolean) => {
      const { ca, server } = certificates;
      const tls = { ca: ca.cert, cert: server.cert, key: server.key, requireClientCertificate };
      return redisHere({ tls, password: "secret" });
    };
    const socket = (ca: string) => ({ ...once, tls: true as const, ca });

    it("serves clients that trust its authority", async () => {
      const server = await tlsServer();
      expect(server.url).toMatch(/^rediss:/);
      const trusting = socket(certificates.ca.cert);
      for (const url of [server.url, server.url.replace("127.0.0.1", "localhost")]) {
        const client = await clientOf({ url, socket: trusting });
        await client.set("a", "1");
      }
      expect(await server.dump()).toEqual({ a: "1" });
    });

    it("is not trusted by clients of another authority", async () => {
      const server = await tlsServer();
      const distrusting = socket(certificates.unknownCa.cert);
      await expect(clientOf({ url: server.url, socket: distrusting })).rejects.toThrow(
        /unable to verify|self-signed|issuer/,
      );
    });

    it("turns away clients without a certificate when it wants one", async () => {
      const server = await tlsServer(true);
      const { ca, client } = certificates;
      const bare = clientOf({ url: server.url, socket: socket(ca.cert) });
      await expect(bare.then((connected) => connected.ping())).rejects.toThrow();
      const mutual = { ...socket(ca.cert), cert: client.cert, key: client.key };
      const welcome = await clientOf({ url: server.url, socket: mutual });
      expect(await welcome.ping()).toBe("PONG");
    });
  });

  it("runs a cluster in which slots can move under a client", async () => {
    const cluster = await startRedisCluster({ masters: 3, password: "secret" });
    onTestFinished(() => cluster.stop());
    const client = createCluster({
      rootNodes: cluster.nodes.map(({ url }) => ({ url })),
      defaults: { password: "secret" },
    });
    client.on("error", () => {});
    await client.connect();
    onTestFinished(() => client.destroy());
    for (let index = 0; index < 50; index += 1) await client.set(`key:${index}`, String(index));
    const counts = await Promise.all(
      cluster.nodes.map(async (node) => Object.keys(await node.dump()).length),
    );
    expect(counts.every((count) => count > 0)).toBe(true);

    const slot = await cluster.slotOf("key:7");
    const from = await cluster.ownerOf(slot);
    const to = (from + 1) % 3;
    const migration = await cluster.beginSlotMigration(slot, from, to);
    await migration.moveKeys();
    await expect(cluster.cli(from, "GET", "key:7")).rejects.toThrow(`ASK ${slot}`);
    expect(await client.get("key:7")).toBe("7");
    await migration.finish();
    await expect(cluster.cli(from, "GET", "key:7")).rejects.toThrow(`MOVED ${slot}`);
    expect(await client.get("key:7")).toBe("7");
    expect(await cluster.ownerOf(slot)).toBe(to);

    await cluster.migrateSlot(slot, to, from);
    expect(await client.get("key:7")).toBe("7");
    expect(await cluster.nodes[from]?.dump()).toHaveProperty("key:7", "7");
  });

  it.for([{}, { password: "data secret", sentinelPassword: "sentinel secret" }])(
    "runs sentinels that move clients to the replica, and back (%o)",
    async (options, { onTestFinished }) => {
      const { password, sentinelPassword } = { password: "", sentinelPassword: "", ...options };
      const group = await startRedisSentinel(options);
      onTestFinished(() => group.stop());
      const client = createSentinel({
        name: group.masterName,
        sentinelRootNodes: group.sentinels.map(({ host, port }) => ({ host, port })),
        nodeClientOptions: password ? { password } : {},
        sentinelClientOptions: sentinelPassword ? { password: sentinelPassword } : {},
      });
      client.on("error", () => {});
      await client.connect();
      onTestFinished(() => client.destroy());
      await client.set("a", "1");
      await waitUntil("the write to reach the replica", async () => {
        return (await group.replica.dump()).a === "1";
      });

      await group.failover();
      expect(await group.currentMaster()).toBe(group.replica);
      const writeAndRead = async (value: string) => {
        await client.set("b", value);
        return (await client.get("b")) === value;
      };
      await waitUntil("the client to reach the new master", () => writeAndRead("2"));
      expect(await group.replica.dump()).toEqual({ a: "1", b: "2" });

      await group.master.restart();
      await waitUntil("the old master to follow", async () => {
        const info = await group.master.cli("INFO", "replication");
        return /role:slave[\s\S]*master_link_status:up/.test(info);
      });
      await group.failover();
      expect(await group.currentMaster()).toBe(group.master);
      await waitUntil("the client to reach the first master", () => writeAndRead("3"));
    },
  );

  describe("a proxy in front of a server", () => {
    async function proxied() {
      const server = await redisHere();
      const proxy = await startTcpProxy(server);
      onTestFinished(() => proxy.close());
      const client = await clientOf({
        url: proxy.url,
        socket: { reconnectStrategy: 20 },
      });
      return { server, proxy, client };
    }

    it("passes everything on and counts connections", async () => {
      const { proxy, client } = await proxied();
      const large = "x".repeat(3_000_000);
      await client.set("a", large);
      expect(await client.get("a")).toBe(large);
      expect(proxy).toMatchObject({ connections: 1, accepted: 1 });
      await client.close();
      await waitUntil("the connection to end", () => proxy.connections === 0);
    });

    it("delays both directions, in order", async () => {
      const { proxy, client } = await proxied();
      proxy.setLatency(60);
      const start = performance.now();
      const answers = await Promise.all(["a", "b", "c"].map((text) => client.echo(text)));
      // Timers may fire a millisecond early.
      expect(performance.now() - start).toBeGreaterThanOrEqual(115);
      expect(answers).toEqual(["a", "b", "c"]);
    });

    it("cuts connections, and clients come back", async () => {
      const { proxy, client } = await proxied();
      let cut: unknown;
      client.on("error", (error) => {
        cut ??= error;
      });
      proxy.reset();
      await waitUntil("the client to notice", () => cut);
      expect(await client.ping()).toBe("PONG");
      expect(proxy.accepted).toBe(2);
    });

    it("refuses new connections and keeps the old until told otherwise", async () => {
      const { proxy, client } = await proxied();
      await proxy.refuse(true);
      expect(await client.ping()).toBe("PONG");
      await expect(tcpConnect(proxy.port)).rejects.toThrow("ECONNREFUSED");
      await proxy.refuse(false);
      await tcpConnect(proxy.port);
    });

    it("swallows everything while a black hole, and accepts connections still", async () => {
      const { server, proxy, client } = await proxied();
      proxy.blackhole(true);
      const write = client.set("a", "1");
      await tcpConnect(proxy.port);
      expect(await server.dump()).toEqual({});
      proxy.blackhole(false);
      await write;
      expect(await server.dump()).toEqual({ a: "1" });
    });

    it("resets its clients when the server behind it is gone", async () => {
      const { server, proxy } = await proxied();
      await server.kill();
      await expect(clientOf({ url: proxy.url, socket: once })).rejects.toThrow();
    });
  });
});

it("fails rather than skips in CI when there is no Redis", ({ onTestFinished }) => {
  const before = process.env.CI;
  onTestFinished(() => {
    if (before === undefined) delete process.env.CI;
    else process.env.CI = before;
  });
  process.env.CI = "true";
  expect(() => skipUnlessCi("none")).toThrow("No Redis for the tests: none");
  process.env.CI = "false";
  expect(skipUnlessCi("none")).toEqual({ skipped: "No Redis for the tests: none" });
});

function tcpConnect(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}
