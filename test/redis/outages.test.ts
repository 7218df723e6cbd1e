import { createServer } from "node:net";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { onFreePort } from "../servers/redis/free-port.ts";
import { waitUntil } from "../servers/redis/wait-until.ts";
import {
  cacheOf,
  describeWithRedis,
  failureOf,
  proxyTo,
  redisHere,
  roundTrip,
} from "./redis-suite.ts";

/** Answers every command with one line. */
async function answering(line: string) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      for (const _ of chunk.toString().matchAll(/^\*\d/gm)) socket.write(`${line}\r\n`);
    });
  });
  onTestFinished(() => {
    server.close();
  });
  return onFreePort(async (port) => {
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return { host: "127.0.0.1", port };
  });
}

describeWithRedis("A Redis cache", () => {
  // Short times to connect are for connecting alone.
  beforeAll(() => import("@keyv/redis"));

  it("connects once for all who ask at the same time", async () => {
    const proxy = await proxyTo(await redisHere());
    const cache = cacheOf({ url: proxy.url });
    const opening = cache.open();
    expect(cache.open()).toBe(opening);
    await opening;
    expect(cache.open()).toBeUndefined();
    expect(proxy.accepted).toBe(1);
  });

  it("works once Redis is up that was down at the start", async () => {
    const server = await redisHere();
    await server.kill();
    const cache = cacheOf({ url: server.url });
    expect(await failureOf(cache.open())).toBe("RedisCacheError ECONNREFUSED");
    expect(await failureOf(cache.get("entry"))).toBe("RedisCacheError DISCONNECTED");
    expect(await failureOf(cache.leases.acquire("lease", "me", 1000))).toBe(
      "RedisCacheError DISCONNECTED",
    );
    await server.restart();
    expect(await roundTrip(cache)).toBe("value");
  });

  it("works again once Redis is back that went down later", async () => {
    const server = await redisHere();
    const cache = cacheOf({ url: server.url });
    const events: unknown[] = [];
    cache.on("error", (error) => events.push(error));
    expect(await roundTrip(cache)).toBe("value");
    await server.kill();
    expect(await failureOf(cache.get("entry"))).toBe("RedisCacheError DISCONNECTED");
    expect(await failureOf(cache.open())).toBe("RedisCacheError ECONNREFUSED");
    expect(await failureOf(cache.open())).toBe("RedisCacheError ECONNREFUSED");
    await server.restart();
    expect(await roundTrip(cache)).toBe("value");
    // What open() rejects with is no event besides.
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ name: "RedisCacheError" });
  });

  it("connects again after its connection was reset", async () => {
    const proxy = await proxyTo(await redisHere());
    const cache = cacheOf({ url: proxy.url });
    await cache.open();
    const hanging = failureOf(cache.get("entry"));
    proxy.reset();
    expect(await hanging).toMatch(/^RedisCacheError (ECONNRESET|DISCONNECTED)$/);
    expect(cache.open()).toBeInstanceOf(Promise);
    expect(await roundTrip(cache)).toBe("value");
    expect(proxy.accepted).toBe(2);
  });

  it("gets late answers from a Redis that was frozen for a moment, by the same connection", async () => {
    const server = await redisHere();
    const proxy = await proxyTo(server);
    const cache = cacheOf({ url: proxy.url });
    await cache.open();
    await cache.set("entry", "value", 60_000);
    server.freeze();
    const late = cache.get("entry");
    expect(cache.open()).toBeUndefined();
    server.thaw();
    expect(await late).toBe("value");
    expect(await roundTrip(cache)).toBe("value");
    expect(proxy.accepted).toBe(1);
  });

  it("gives up a connection that answers nothing, and what waits for it", async () => {
    const server = await redisHere();
    const proxy = await proxyTo(server);
    const cache = cacheOf({ url: proxy.url, connectTimeoutMs: 400 });
    await cache.open();
    server.freeze();
    const hanging = failureOf(cache.get("entry"));
    await waitUntil("the connection to be suspected", () => cache.open() !== undefined);
    expect(await failureOf(cache.open())).toBe("RedisCacheError TIMEOUT");
    server.thaw();
    await waitUntil("Redis to be used again", async () => (await roundTrip(cache)) === "value");
    // Answered late, or ended with the connection.
    expect(await hanging).toMatch(/^resolved|DISCONNECTED$/);
    await waitUntil("one connection to be left", () => proxy.connections === 1);
  });

  it("gives up a connection that the network swallows, while new ones work", async () => {
    const server = await redisHere();
    const proxy = await proxyTo(server);
    const cache = cacheOf({ url: proxy.url, connectTimeoutMs: 1_500 });
    await cache.open();
    // Closed at the server's end, and held back on the way.
    proxy.blackhole(true);
    const hanging = failureOf(cache.get("entry"));
    await server.cli("CLIENT", "KILL", "TYPE", "normal");
    await waitUntil("the connection to be suspected", () => cache.open() !== undefined);
    await failureOf(cache.open());
    proxy.blackhole(false);
    await waitUntil("Redis to be used again", async () => {
      return (await roundTrip(cache).catch(() => undefined)) === "value";
    });
    expect(await hanging).toMatch(/^RedisCacheError/);
  });

  it("keeps its connection when it was this process that was busy", async () => {
    const server = await redisHere();
    const cache = cacheOf({ url: server.url, connectTimeoutMs: 500 });
    await cache.open();
    await cache.set("entry", "value", 60_000);
    const connected = async () =>
      /id=(\d+) addr=127/.exec(await server.cli("CLIENT", "LIST", "TYPE", "normal"))?.[1];
    const before = await connected();
    const reading = cache.get("entry");
    // The question gets out, and the answer in as far as the kernel.
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    const until = performance.now() + 800;
    while (performance.now() < until);
    await cache.open();
    expect(await reading).toBe("value");
    expect(before).toBeDefined();
    expect(await connected()).toBe(before);
  });

  it("lets no more than 20 000 operations wait for a frozen Redis", async () => {
    const server = await redisHere();
    const cache = cacheOf({ url: server.url });
    await cache.open();
    server.freeze();
    const waiting = Array.from({ length: 20_000 }, () => cache.get("entry"));
    expect(await failureOf(cache.get("entry"))).toBe("RedisCacheError QUEUE_FULL");
    server.thaw();
    await Promise.all(waiting);
    expect(await roundTrip(cache)).toBe("value");
  });

  it("gives up connecting after connectTimeoutMs, and leaves no socket behind", async () => {
    const server = await redisHere({ password: "secret" });
    const proxy = await proxyTo(server);
    proxy.blackhole(true);
    const cache = cacheOf({ url: proxy.url, password: "secret", connectTimeoutMs: 400 });
    expect(await failureOf(cache.open())).toBe("RedisCacheError TIMEOUT");
    // The proxy hears of the end once it listens again.
    proxy.blackhole(false);
    await waitUntil("the socket to be closed", () => proxy.connections === 0);
    await waitUntil("Redis to be used", async () => (await roundTrip(cache)) === "value");
  });

  it("may be closed while it connects, more than once, and used again", async () => {
    const server = await redisHere();
    const proxy = await proxyTo(server);
    const cache = cacheOf({ url: proxy.url });
    proxy.blackhole(true);
    const opening = failureOf(cache.open());
    await waitUntil("the connection", () => proxy.connections === 1);
    const closing = [cache.close(), cache.close()];
    // What asks afterwards is nothing that the end has stopped.
    const again = failureOf(cache.open());
    await Promise.all(closing);
    expect(await opening).toBe("RedisCacheError DISCONNECTED");
    expect(await again).toBe("RedisCacheError TIMEOUT");
    // The proxy hears of the end once it listens again.
    proxy.blackhole(false);
    await waitUntil("the socket to be closed", () => proxy.connections === 0);
    expect(await roundTrip(cache)).toBe("value");
    await cache.close();
    await cache.close();
    expect(await failureOf(cache.get("entry"))).toBe("RedisCacheError DISCONNECTED");
    expect(await roundTrip(cache)).toBe("value");
  });

  it("waits for writes under way when it is closed, yet not for a frozen Redis", async () => {
    const server = await redisHere();
    const cache = cacheOf({ url: server.url });
    await cache.open();
    const writing = cache.set("entry", "value", 60_000);
    await cache.close();
    expect(await writing).toBe(true);
    await cache.open();
    server.freeze();
    const hanging = failureOf(cache.set("entry", "value", 60_000));
    await cache.close();
    expect(await hanging).toBe("RedisCacheError DISCONNECTED");
    server.thaw();
  });

  it("looks for another server after READONLY", async () => {
    const [server, master] = [await redisHere(), await redisHere()];
    const proxy = await proxyTo(server);
    const cache = cacheOf({ url: proxy.url });
    await cache.open();
    await server.cli("REPLICAOF", master.host, String(master.port));
    expect(await failureOf(cache.set("entry", "value", 60_000))).toBe("RedisCacheError READONLY");
    expect(cache.open()).toBeInstanceOf(Promise);
    await cache.open();
    await server.cli("REPLICAOF", "NO", "ONE");
    expect(await roundTrip(cache)).toBe("value");
    expect(proxy.accepted).toBe(2);
  });

  it("is not open while Redis is loading its data", async () => {
    const cache = cacheOf(await answering("-LOADING Redis is loading the dataset in memory"));
    expect(await failureOf(cache.open())).toBe("RedisCacheError LOADING");
    expect(cache.open()).toBeInstanceOf(Promise);
  });

  it("is not open at a server that doesn't speak Redis", async () => {
    const cache = cacheOf({
      ...(await answering("HTTP/1.1 400 Bad Request")),
      connectTimeoutMs: 300,
    });
    expect(await failureOf(cache.open())).toMatch(/^RedisCacheError/);
  });

  it("keeps its connection when Redis is out of memory", async () => {
    const server = await redisHere();
    const proxy = await proxyTo(server);
    const cache = cacheOf({ url: proxy.url });
    await cache.open();
    await cache.set("entry", "value", 60_000);
    await server.cli("CONFIG", "SET", "maxmemory", "1");
    expect(await failureOf(cache.set("entry", "newer", 60_000))).toBe("RedisCacheError OOM");
    expect(cache.open()).toBeUndefined();
    expect(await cache.get("entry")).toBe("value");
    expect(proxy.accepted).toBe(1);
  });

  it("leaves no listener, socket or timer behind after 1,000 outages", async () => {
    const proxy = await proxyTo(await redisHere());
    const cache = cacheOf({ url: proxy.url });
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    onTestFinished(() => {
      process.off("warning", onWarning);
    });
    const resources = () =>
      process.getActiveResourcesInfo().filter((name) => name !== "Immediate").length;
    let events = 0;
    cache.on("error", () => {
      events += 1;
    });
    const outage = async (index: number) => {
      await cache.open();
      if (index % 10 === 0) {
        await proxy.refuse(true);
        proxy.reset();
        await waitUntil("the reset", () => proxy.connections === 0 && cache.open() !== undefined);
        await failureOf(cache.open());
        await proxy.refuse(false);
      } else {
        const hanging = failureOf(cache.get("entry"));
        proxy.reset();
        await hanging;
      }
    };
    for (let index = 0; index < 20; index += 1) await outage(index);
    const before = resources();
    for (let index = 0; index < 1000; index += 1) await outage(index);
    expect(await roundTrip(cache)).toBe("value");
    await waitUntil("all to be as before", () => resources() <= before + 2);
    expect(proxy.connections).toBe(1);
    expect(events).toBeGreaterThan(500);
    expect(warnings).toEqual([]);
  });
});
