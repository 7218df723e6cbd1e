import { expect, onTestFinished, test } from "vitest";
import { describeWithRedis } from "../redis/redis-suite.ts";
import { startRedisCluster } from "../servers/redis/redis-cluster.ts";
import { startRedisSentinel } from "../servers/redis/redis-sentinel.ts";
import { waitUntil } from "../servers/redis/wait-until.ts";
import { checkout } from "../tokens/token-endpoint.ts";
import { tokenIn } from "./fleet.ts";
import { instanceOf, tokenServerHere } from "./instances.ts";
import { expectOnlySealed } from "./only-sealed.ts";

/** Until a new token of one instance is the other's as well. */
async function untilShared(
  one: ReturnType<typeof instanceOf>,
  other: ReturnType<typeof instanceOf>,
  next: () => ReturnType<typeof checkout>,
) {
  await waitUntil("sharing", async () => {
    const endpoint = next();
    const header = await one.security.getAuthHeader(endpoint);
    return (await other.security.getAuthHeader(endpoint)) === header;
  });
}

describeWithRedis("With several Redis nodes", () => {
  async function clusterHere() {
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster.stop());
    onTestFinished(async () => {
      for (const node of cluster.nodes) await expectOnlySealed(node);
    });
    const options = { cluster: { nodes: cluster.nodes } };
    const dump = async () => {
      const dumps = await Promise.all(cluster.nodes.map((node) => node.dump()));
      return dumps.flatMap((entries) => Object.keys(entries));
    };
    return { cluster, options, dump };
  }

  test("a token is shared and renewed while its slot moves to another node (ASK, MOVED)", async () => {
    const [{ cluster, options, dump }, tokens] = [await clusterHere(), await tokenServerHere()];
    const endpoint = checkout(tokens.tokenUrl);
    const [one, other, late] = [instanceOf(options), instanceOf(options), instanceOf(options)];
    const first = await one.security.getAuthHeader(endpoint);
    // All know the layout as it was.
    for (const { security } of [other, late]) {
      await security.getAuthHeader(checkout(`${tokens.tokenUrl}?warm`));
    }
    let keys: string[] = [];
    await waitUntil("the entries", async () => {
      keys = (await dump()).filter((name) => !name.endsWith(":lease"));
      return keys.length === 2;
    });
    const slots = await Promise.all(keys.map((key) => cluster.slotOf(key)));
    const migrations = await Promise.all(
      slots.map(async (slot) => {
        const from = await cluster.ownerOf(slot);
        return cluster.beginSlotMigration(slot, from, (from + 1) % 3);
      }),
    );
    for (const migration of migrations) await migration.moveKeys();
    tokens.resetTokenRequests();
    // The old owner sends it on: ASK.
    expect(await other.security.getAuthHeader(endpoint)).toBe(first);
    const rejection = { rejectedToken: tokenIn(first) };
    const second = await other.security.getAuthHeader(endpoint, rejection);
    expect(second).not.toBe(first);
    expect(await one.security.getAuthHeader(endpoint, rejection)).toBe(second);
    for (const migration of migrations) await migration.finish();
    // The old owner knows it no more: MOVED.
    expect(await late.security.getAuthHeader(endpoint)).toBe(second);
    expect(tokens.countTokenRequests()).toBe(1);
    expect([one, other, late].flatMap(({ events }) => events)).toEqual([]);
  });

  test("every call gets its header while a master of the cluster is down, and all share later", async () => {
    const [{ cluster, options }, tokens] = [await clusterHere(), await tokenServerHere()];
    let count = 0;
    const next = () => checkout(`${tokens.tokenUrl}?endpoint=${++count}`);
    const [one, other] = [instanceOf(options, {}), instanceOf(options, {})];
    await untilShared(one, other, next);
    await cluster.nodes[1]?.kill();
    tokens.resetTokenRequests();
    for (let calls = 0; calls < 20; calls += 1) {
      const endpoint = next();
      for (const { security } of [one, other]) {
        expect(await security.getAuthHeader(endpoint)).toMatch(/^Bearer /);
      }
    }
    expect(tokens.countTokenRequests()).toBeLessThanOrEqual(40);
    await cluster.nodes[1]?.restart();
    // Both write: one that only reads doesn't find out that its writes work again. And longer than the
    // longest pause of a circuit.
    const sharedByBoth = async () => {
      for (let calls = 0; calls < 10; calls += 1) {
        const [writer, reader] = calls % 2 === 0 ? [one, other] : [other, one];
        const endpoint = next();
        const header = await writer.security.getAuthHeader(endpoint);
        if ((await reader.security.getAuthHeader(endpoint)) !== header) return false;
      }
      return [one, other].every(({ events }) => events.at(-1) === "recovered");
    };
    await waitUntil("sharing of whatever slot", sharedByBoth, 60_000);
  });

  test("every call gets its header through a failover, and the new master is shared", async () => {
    const running = await startRedisSentinel();
    onTestFinished(() => running.stop());
    const tokens = await tokenServerHere();
    let count = 0;
    const next = () => checkout(`${tokens.tokenUrl}?endpoint=${++count}`);
    const options = { sentinel: { nodes: running.sentinels, name: running.masterName } };
    const [one, other] = [instanceOf(options, {}), instanceOf(options, {})];
    await untilShared(one, other, next);
    let isOver = false;
    const failover = running.failover().finally(() => {
      isOver = true;
    });
    while (!isOver) {
      for (const { security } of [one, other]) {
        expect(await security.getAuthHeader(next())).toMatch(/^Bearer /);
      }
    }
    await failover;
    await untilShared(one, other, next);
    const master = await running.currentMaster();
    expect(master.port).toBe(running.replica.port);
    expect(Object.keys(await master.dump()).length).toBeGreaterThan(0);
    await expectOnlySealed(master);
  });
});
