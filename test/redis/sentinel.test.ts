import { expect, it, onTestFinished } from "vitest";
import { startRedisSentinel } from "../servers/redis/redis-sentinel.ts";
import { waitUntil } from "../servers/redis/wait-until.ts";
import { cacheOf, describeWithRedis, failureOf, roundTrip } from "./redis-suite.ts";

async function sentinelsHere(options?: Parameters<typeof startRedisSentinel>[0]) {
  const running = await startRedisSentinel(options);
  onTestFinished(() => running.stop());
  return running;
}

describeWithRedis("A Redis cache behind sentinels", () => {
  it("follows a failover, with passwords for the sentinels and for the master", async () => {
    const passwords = { password: "data-secret", sentinelPassword: "sentinel-secret" };
    const running = await sentinelsHere(passwords);
    const { sentinels, masterName: name } = running;
    const cache = cacheOf({
      sentinel: { nodes: sentinels, name, password: () => "sentinel-secret" },
      password: "data-secret",
    });
    await cache.open();
    await cache.set("entry", "value", 600_000);
    await waitUntil("the replica to have it", async () =>
      (await running.replica.cli("EXISTS", "endpoint-security::entry")).includes("1"),
    );
    await running.failover();
    expect(await failureOf(cache.get("entry"))).toBe("RedisCacheError DISCONNECTED");
    await cache.open();
    expect(await cache.get("entry")).toBe("value");
    // One sentinel less, and one that is frozen: the last one knows as well.
    await sentinels[0]?.kill();
    await cache.close();
    sentinels[1]?.freeze();
    expect(await roundTrip(cache)).toBe("value");
    sentinels[1]?.thaw();
  });

  it("believes most of the sentinels, and not one that is cut off from them", async () => {
    const [one, other] = [await sentinelsHere(), await sentinelsHere()];
    // Each knows a master by the same name, and the first of these isn't like the other two.
    const nodes = [one.sentinels[0], other.sentinels[0], other.sentinels[1]].flatMap((node) =>
      node === undefined ? [] : [node],
    );
    const cache = cacheOf({ sentinel: { nodes, name: one.masterName } });
    for (let count = 0; count < 10; count += 1) {
      await cache.open();
      await cache.set(`entry-${count}`, "value", 60_000);
      await cache.close();
    }
    expect(Object.keys(await other.master.dump())).toHaveLength(10);
    expect(await one.master.dump()).toEqual({});
  });

  it("says so when the sentinels know no such master, or none answers", async () => {
    const { sentinels } = await sentinelsHere();
    expect(await failureOf(cacheOf({ sentinel: { nodes: sentinels, name: "x" } }).open())).toBe(
      "RedisCacheError NO_MASTER",
    );
    const nodes = [{ host: "127.0.0.1", port: 1 }];
    expect(await failureOf(cacheOf({ sentinel: { nodes, name: "x" } }).open())).toBe(
      "RedisCacheError ECONNREFUSED",
    );
  });
});
