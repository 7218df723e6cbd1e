import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { makeCertificates } from "../servers/redis/certificates.ts";
import { freePort } from "../servers/redis/free-port.ts";
import { type RunningRedisCluster, startRedisCluster } from "../servers/redis/redis-cluster.ts";
import { waitUntil } from "../servers/redis/wait-until.ts";
import { cacheOf, describeWithRedis, failureOf, redisHere, roundTrip } from "./redis-suite.ts";

describeWithRedis("A Redis cache on a cluster", () => {
  let cluster: RunningRedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster({ password: "cluster-secret" });
  });
  afterAll(() => cluster.stop());

  const cacheOn = (nodes: readonly ({ host: string; port: number } | string)[]) =>
    cacheOf({ cluster: { nodes }, password: async () => "cluster-secret" });
  const slotOf = (key: string) => cluster.slotOf(`endpoint-security::${key}`);

  it("finds all masters from any node that answers, and leases on each", async () => {
    const unused = { host: "127.0.0.1", port: 1 };
    const last = cluster.nodes[2];
    const cache = cacheOn([unused, `redis://${last?.host}:${last?.port}`]);
    const owners = new Set<number>();
    for (let index = 0; owners.size < 3; index += 1) {
      owners.add(await cluster.ownerOf(await slotOf(`entry-${index}`)));
      expect(await roundTrip(cache, `entry-${index}`)).toBe("value");
      const name = `entry-${index}`;
      expect(await cache.leases.acquire(name, "me", 60_000)).toBe(true);
      expect(await cache.leases.acquire(name, "you", 60_000)).toBe(false);
      expect(await cache.leases.extend(name, "me", 60_000)).toBe(true);
      expect(await cache.leases.release(name, "you")).toBe(false);
      expect(await cache.leases.release(name, "me")).toBe(true);
    }
  });

  it("follows a slot on its way (ASK) and one that has moved (MOVED)", async () => {
    const cache = cacheOn(cluster.nodes);
    await cache.open();
    await cache.set("wanderer", "value", 60_000);
    await cache.leases.acquire("{wanderer}:other", "me", 60_000);
    const slot = await slotOf("wanderer");
    const from = await cluster.ownerOf(slot);
    const to = (from + 1) % 3;
    const migration = await cluster.beginSlotMigration(slot, from, to);
    await migration.moveKeys();
    // The old owner answers ASK for a key that has gone.
    expect(await cache.get("wanderer")).toBe("value");
    expect(await cache.set("wanderer", "newer", 60_000)).toBe(true);
    expect(await cache.leases.acquire("wanderer", "me", 60_000)).toBe(false);
    expect(await cache.leases.extend("wanderer", "me", 60_000)).toBe(false);
    await migration.finish();
    expect(await cache.get("wanderer")).toBe("newer");
    expect(await cluster.ownerOf(slot)).toBe(to);
    expect(cache.open()).toBeUndefined();
    await cache.delete("wanderer");
    await cluster.migrateSlot(slot, to, from);
    expect(await roundTrip(cache, "wanderer")).toBe("value");
  });

  it("goes on with the other masters while one is down, and takes it back", async () => {
    const cache = cacheOn(cluster.nodes);
    // The others answer for their own slots all the same.
    for (const node of cluster.nodes) {
      await node.cli("CONFIG", "SET", "cluster-require-full-coverage", "no");
    }
    await cache.open();
    const down = await cluster.ownerOf(await slotOf("entry"));
    let other = "other";
    while ((await cluster.ownerOf(await slotOf(other))) === down) other += "-";
    await cluster.nodes[down]?.kill();
    expect(await failureOf(roundTrip(cache, "entry"))).toMatch(
      /^RedisCacheError (DISCONNECTED|ECONNREFUSED)$/,
    );
    await waitUntil(
      "the others to be used",
      async () => (await roundTrip(cache, other)) === "value",
    );
    const fresh = cacheOn(cluster.nodes);
    expect(await roundTrip(fresh, other)).toBe("value");
    expect(await failureOf(roundTrip(fresh, "entry"))).toMatch(/^RedisCacheError/);
    await cluster.nodes[down]?.restart();
    for (const each of [cache, fresh]) {
      await waitUntil(
        "the node to be used again",
        async () => (await roundTrip(each, "entry")) === "value",
      );
    }
  });

  it("connects again to a node that has closed its connection, without a miss", async () => {
    const cache = cacheOn(cluster.nodes);
    await cache.open();
    await cache.set("entry", "value", 60_000);
    const owner = cluster.nodes[await cluster.ownerOf(await slotOf("entry"))];
    await owner?.cli("CLIENT", "KILL", "TYPE", "normal", "USER", "default");
    // Heard of, as far as this process is concerned.
    await waitUntil("its end", async () => (await cache.get("entry").catch(() => {})) === "value");
    expect(cache.open()).toBeUndefined();
    await cache.delete("entry");
  });

  it("leaves no connection behind after 100 outages", async () => {
    const cache = cacheOn(cluster.nodes);
    const resources = () => process.getActiveResourcesInfo().length;
    const outage = async () => {
      for (const name of "abcdefgh") await cache.get(name).catch(() => {});
      await Promise.all(
        cluster.nodes.map((node) =>
          node.cli("CLIENT", "KILL", "TYPE", "normal", "USER", "default"),
        ),
      );
      await waitUntil("the cluster", async () => (await roundTrip(cache)) === "value");
    };
    for (let count = 0; count < 5; count += 1) await outage();
    const before = resources();
    for (let count = 0; count < 100; count += 1) await outage();
    await waitUntil("all to be as before", () => resources() <= before + 3);
    for (const node of cluster.nodes) {
      await waitUntil("one connection at most", async () => {
        const clients = await node.cli("CLIENT", "LIST", "TYPE", "normal");
        return (clients.match(/user=default/g) ?? []).length <= 1;
      });
    }
  });

  it("fails to open while all nodes are down, and opens once they are up", async () => {
    const cache = cacheOn(cluster.nodes);
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    expect(await failureOf(cache.open())).toBe("RedisCacheError ECONNREFUSED");
    await Promise.all(cluster.nodes.map((node) => node.restart()));
    await waitUntil("the cluster", async () => (await roundTrip(cache)) === "value");
  });
});

describeWithRedis("A Redis cache on a cluster with TLS", () => {
  it("uses it to every node", async () => {
    const certificates = await makeCertificates();
    onTestFinished(() => certificates.remove());
    const { ca, server, client } = certificates;
    const node = await redisHere({
      tls: { ca: ca.cert, cert: server.cert, key: server.key, requireClientCertificate: true },
      config: {
        "cluster-enabled": "yes",
        "cluster-port": String(await freePort()),
        // Else it would name the port without TLS.
        "tls-cluster": "yes",
        "cluster-announce-ip": "127.0.0.1",
      },
    });
    await node.cli("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    await waitUntil("the cluster", async () =>
      (await node.cli("CLUSTER", "INFO")).includes("cluster_state:ok"),
    );
    const tls = {
      ca: ca.cert,
      clientCertificate: { certificate: client.cert, privateKey: client.key },
    };
    const nodes = [{ host: "127.0.0.1", port: node.port }];
    expect(await roundTrip(cacheOf({ cluster: { nodes }, tls }))).toBe("value");
    const url = `rediss://localhost:${node.port}`;
    expect(await failureOf(cacheOf({ cluster: { nodes: [url] } }).open())).toMatch(
      /^RedisCacheError [A-Z_]*CERT/,
    );
  });
});
