import { expect, it } from "vitest";
import { waitUntil } from "../servers/redis/wait-until.ts";
import { cacheOf, describeWithRedis, redisHere } from "./redis-suite.ts";

for (const scripts of [true, false]) {
  describeWithRedis(`A lease in Redis, ${scripts ? "with" : "without"} scripts,`, () => {
    const commands = scripts ? "+@all" : "+@all -eval";
    const user = `app on >app-secret ~endpoint-security:* ${commands}`;
    const serverHere = () => redisHere({ users: [user] });
    const login = { username: "app", password: "app-secret" };

    it("is one contender's of twenty at a time, each with a connection of its own", async () => {
      const { host, port } = await serverHere();
      let holders = 0;
      let most = 0;
      const contend = async (index: number) => {
        const cache = cacheOf({ host, port, ...login });
        await cache.open();
        const owner = `owner-${index}`;
        await waitUntil("the lease", () => cache.leases.acquire("lease", owner, 60_000));
        holders += 1;
        most = Math.max(most, holders);
        expect(await cache.leases.extend("lease", owner, 60_000)).toBe(true);
        holders -= 1;
        expect(await cache.leases.release("lease", owner)).toBe(true);
      };
      await Promise.all(Array.from({ length: 20 }, (_, index) => contend(index)));
      expect(most).toBe(1);
    });

    it("is neither extended nor freed by another", async () => {
      const server = await serverHere();
      const { host, port } = server;
      const cache = cacheOf({ host, port, ...login });
      await cache.open();
      expect(await cache.leases.acquire("lease", "me", 5000)).toBe(true);
      expect(await cache.leases.extend("lease", "you", 500_000)).toBe(false);
      expect(await cache.leases.release("lease", "you")).toBe(false);
      expect(await server.cli("GET", "endpoint-security::lease")).toBe("me");
      expect(Number(await server.cli("PTTL", "endpoint-security::lease"))).toBeLessThanOrEqual(
        5000,
      );
      expect(await cache.leases.extend("lease", "me", 500_000)).toBe(true);
      expect(Number(await server.cli("PTTL", "endpoint-security::lease"))).toBeGreaterThan(400_000);
    });

    it("ends by itself, and is another's then", async () => {
      const { host, port } = await serverHere();
      const cache = cacheOf({ host, port, ...login });
      await cache.open();
      expect(await cache.leases.acquire("lease", "me", 50)).toBe(true);
      await waitUntil("its end", () => cache.leases.acquire("lease", "you", 60_000));
      expect(await cache.leases.extend("lease", "me", 60_000)).toBe(false);
      expect(await cache.leases.release("lease", "me")).toBe(false);
      expect(await cache.leases.release("lease", "you")).toBe(true);
      expect(await cache.leases.extend("lease", "you", 60_000)).toBe(false);
    });
  });
}

describeWithRedis("A lease in a Redis that knows no scripts", () => {
  it("is compared in two steps", async () => {
    const server = await redisHere({ lines: ['rename-command EVAL ""'] });
    const cache = cacheOf({ url: server.url });
    await cache.open();
    expect(await cache.leases.acquire("lease", "me", 5000)).toBe(true);
    expect(await cache.leases.extend("lease", "me", 60_000)).toBe(true);
    expect(await cache.leases.release("lease", "you")).toBe(false);
    expect(await cache.leases.release("lease", "me")).toBe(true);
  });
});
