import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { describeWithRedis } from "../redis/redis-suite.ts";
import type { RunningOAuth2Server } from "../servers/oauth2-server.ts";
import type { RedisOptions, RunningRedis } from "../servers/redis/redis-server.ts";
import { startTcpProxy, type TcpProxy } from "../servers/redis/slow-proxy.ts";
import { waitUntil } from "../servers/redis/wait-until.ts";
import { checkout } from "../tokens/token-endpoint.ts";
import { Member, tokenIn } from "./fleet.ts";
import { instanceOf, patience, redisHere, tokenServerHere } from "./instances.ts";
import { filler } from "./only-sealed.ts";

interface Scene {
  readonly redis: RunningRedis;
  readonly proxy: TcpProxy;
}

interface Trouble {
  /** Whether it is there before the first connection. */
  readonly atStart?: boolean;
  readonly login?: { readonly password: string };
  readonly server?: RedisOptions;
  /** In the words of Redis, or of Node.js, where it is said. */
  readonly tells?: string;
  begin(scene: Scene): unknown;
  end(scene: Scene): unknown;
}

const down: Trouble = {
  begin: ({ redis }) => redis.kill(),
  end: ({ redis }) => redis.restart(),
};

/** Takes ten seconds to read its data, unless the trouble ends before. */
const loading: Trouble = {
  server: {
    config: { "key-load-delay": "500", "loading-process-events-interval-bytes": "1024" },
  },
  begin: async ({ redis }) => {
    const fill = "for i = 1, 20000 do redis.call('SET', ARGV[1] .. i, i) end";
    await redis.cli("EVAL", fill, "0", filler);
    await redis.cli("SAVE");
    void redis.restart();
    await waitUntil("Redis to be loading", async () =>
      /LOADING/.test(await redis.cli("PING").catch(String)),
    );
  },
  end: ({ redis }) => redis.cli("CONFIG", "SET", "key-load-delay", "0"),
};

/** What a full disk comes to: the last attempt to save failed, and Redis takes no writes. */
const noDisk: Trouble = {
  tells: "MISCONF",
  server: { config: { save: "3600 1" } },
  begin: async ({ redis }) => {
    // A folder stands where the file would.
    await mkdir(join(redis.dir, "dump.rdb"));
    await untilSaved(redis, "err");
  },
  end: async ({ redis }) => {
    await rmdir(join(redis.dir, "dump.rdb"));
    await untilSaved(redis, "ok");
  },
};

async function untilSaved(redis: RunningRedis, outcome: "ok" | "err") {
  await redis.cli("BGSAVE");
  await waitUntil(`saving to end with ${outcome}`, async () =>
    (await redis.cli("INFO", "persistence")).includes(`rdb_last_bgsave_status:${outcome}`),
  );
}

/** Troubles in which reads work. */
const readable = ["is a replica now", "has no memory left", "has no disk left"];

const troubles: Record<string, Trouble> = {
  "is down at the start": { ...down, atStart: true, tells: "ECONNRESET" },
  "goes down later": down,
  "is frozen": {
    begin: ({ redis }) => redis.freeze(),
    end: ({ redis }) => redis.thaw(),
  },
  "is frozen at the start": {
    atStart: true,
    begin: ({ redis }) => redis.freeze(),
    end: ({ redis }) => redis.thaw(),
  },
  "answers after 2 s": {
    begin: ({ proxy }) => proxy.setLatency(1000),
    end: ({ proxy }) => proxy.setLatency(0),
  },
  "resets connections and takes no new ones": {
    begin: async ({ proxy }) => {
      await proxy.refuse(true);
      proxy.reset();
    },
    end: ({ proxy }) => proxy.refuse(false),
  },
  "has another password": {
    atStart: true,
    tells: "WRONGPASS",
    login: { password: "wrong" },
    begin: ({ redis }) => redis.cli("CONFIG", "SET", "requirepass", "right"),
    end: ({ redis }) => redis.cli("CONFIG", "SET", "requirepass", "wrong"),
  },
  "allows nothing any more": {
    tells: "NOPERM",
    begin: ({ redis }) => redis.cli("ACL", "SETUSER", "default", "-@all"),
    end: ({ redis }) => redis.cli("ACL", "SETUSER", "default", "+@all"),
  },
  "is a replica now": {
    tells: "READONLY",
    begin: ({ redis }) => redis.cli("REPLICAOF", "127.0.0.1", "1"),
    end: ({ redis }) => redis.cli("REPLICAOF", "NO", "ONE"),
  },
  "has no memory left": {
    tells: "OOM",
    begin: ({ redis }) => redis.cli("CONFIG", "SET", "maxmemory", "1"),
    end: ({ redis }) => redis.cli("CONFIG", "SET", "maxmemory", "0"),
  },
  "has no disk left": noDisk,
  "is loading its data": loading,
  "is loading its data at the start": { ...loading, atStart: true, tells: "LOADING" },
};

/** An instance whose operations at Redis are counted. */
function counted({ proxy }: Scene, login: Trouble["login"]) {
  const instance = instanceOf({ host: "127.0.0.1", port: proxy.port, ...login }, {});
  const { cache } = instance;
  const spies = [
    vi.spyOn(cache, "get"),
    vi.spyOn(cache, "set"),
    vi.spyOn(cache, "delete"),
    ...(["acquire", "extend", "release"] as const).map((name) => vi.spyOn(cache.leases, name)),
  ];
  const operations = () => spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  return { ...instance, operations };
}

/** Endpoints that differ, and have the same client. */
function endpointsAt(tokens: RunningOAuth2Server) {
  let count = 0;
  // However busy the machine is.
  const tokenRequestTimeoutMs = 60_000;
  return () =>
    checkout(`${tokens.tokenUrl}?endpoint=${++count}`, {
      tokenRequest: { timeoutMs: tokenRequestTimeoutMs },
    });
}

async function sceneHere(options?: RedisOptions): Promise<Scene> {
  const redis = await redisHere(options);
  const proxy = await startTcpProxy(redis);
  onTestFinished(() => proxy.close());
  return { redis, proxy };
}

describeWithRedis("When Redis", () => {
  test.each(Object.entries(troubles))("%s, every call gets its header", async (what, trouble) => {
    const scene = await sceneHere(trouble.server);
    const tokens = await tokenServerHere();
    const next = endpointsAt(tokens);
    if (trouble.atStart) await trouble.begin(scene);
    const instances = [counted(scene, trouble.login), counted(scene, trouble.login)];
    const [one, other] = instances;
    const call = async (instance: typeof one, endpoint = next()) => {
      const header = await instance?.security.getAuthHeader(endpoint);
      expect(header).toMatch(/^Bearer ./);
      return header;
    };
    if (!trouble.atStart) {
      const endpoint = next();
      expect(await call(one, endpoint)).toBe(await call(other, endpoint));
      await trouble.begin(scene);
    }

    tokens.resetTokenRequests();
    for (let count = 0; count < 6; count += 1) {
      const endpoint = next();
      await Promise.all(instances.map((instance) => call(instance, endpoint)));
    }
    expect(tokens.countTokenRequests()).toBeLessThanOrEqual(6 * instances.length);
    for (const { events, failures } of instances) {
      expect(events).toEqual(["failed"]);
      expect(failures[0]?.message).toContain(trouble.tells ?? "");
    }

    // What failed is not tried by each call: of 50, one finds out whether it works again. Reads may
    // work where writes don't.
    const before = one?.operations() ?? 0;
    const endpoints = Array.from({ length: 50 }, next);
    const headers = await Promise.all(endpoints.map((endpoint) => call(one, endpoint)));
    const readsWork = readable.includes(what);
    expect((one?.operations() ?? 0) - before).toBeLessThanOrEqual(readsWork ? 104 : 4);
    // And nobody asks twice.
    const again = await Promise.all(endpoints.map((endpoint) => call(one, endpoint)));
    expect(again).toEqual(headers);
    expect(tokens.countTokenRequests()).toBeLessThanOrEqual(6 * instances.length + 50);
    expect(one?.events).toEqual(["failed"]);

    await trouble.end(scene);
    for (const instance of instances) {
      await waitUntil(
        "the recovery",
        async () => {
          await call(instance);
          return instance.events.includes("recovered");
        },
        60_000,
      );
    }
    await waitUntil("sharing", async () => {
      const endpoint = next();
      return (await call(one, endpoint)) === (await call(other, endpoint));
    });
    for (const { events } of instances) expect(events).toEqual(["failed", "recovered"]);
  });

  test("is frozen, a call waits for it once, and not once for each operation", async () => {
    const scene = await sceneHere();
    const tokens = await tokenServerHere();
    const { cache, security } = counted(scene, undefined);
    await security.getAuthHeader(checkout(`${tokens.tokenUrl}?warm`));
    const acquire = vi.mocked(cache.leases.acquire).mockClear();
    scene.redis.freeze();
    await security.getAuthHeader(checkout(tokens.tokenUrl));
    expect(acquire).not.toHaveBeenCalled();
  });

  test("forgets everything while a lease is held, each process asks once at most", async () => {
    const scene = await sceneHere();
    const tokens = await tokenServerHere();
    tokens.setLatency(1500);
    const instances = Array.from({ length: 4 }, () => counted(scene, undefined));
    const endpoint = checkout(tokens.tokenUrl);
    const calls = instances.map(({ security }) => security.getAuthHeader(endpoint));
    await waitUntil("a lease", async () => Object.keys(await scene.redis.dump()).length > 0);
    await scene.redis.cli("FLUSHALL");
    for (const header of await Promise.all(calls)) expect(header).toMatch(/^Bearer ./);
    expect(tokens.countTokenRequests()).toBeLessThanOrEqual(instances.length);
  });

  test("is slow for one process only, that one leaves no lease for others to wait for", async () => {
    const scene = await sceneHere();
    const tokens = await tokenServerHere();
    const { proxy } = scene;
    const { cache, security, failures } = instanceOf({ host: "127.0.0.1", port: proxy.port }, {});
    const warm = checkout(`${tokens.tokenUrl}?warm`);
    await security.getAuthHeader(warm);
    await waitUntil("all of that to be over", async () =>
      Object.keys(await scene.redis.dump()).every((key) => !key.endsWith(":lease")),
    );
    const release = vi.spyOn(cache.leases, "release");
    const { acquire } = cache.leases;
    vi.spyOn(cache.leases, "acquire").mockImplementation((...lease) => {
      // Granted, and too late for this process to hear of it.
      proxy.setLatency(400);
      return acquire(...lease);
    });
    tokens.failNext(1, 400, { error: "invalid_client" });
    await expect(security.getAuthHeader(checkout(tokens.tokenUrl))).rejects.toThrow();
    expect(failures[0]).toMatchObject({ operation: "lease", reason: "timeout" });
    await waitUntil("it to be given back", () =>
      release.mock.settledResults.some(({ value }) => value === true),
    );
  });

  test.each([60_000, -60_000])("is shared with a clock %d ms off, so is its token", async (off) => {
    const redis = await redisHere();
    const tokens = await tokenServerHere();
    tokens.setAccessTokenTtl(50);
    const endpoint = checkout(tokens.tokenUrl);
    const settings = { redisUrl: redis.url, endpoint, ...patience };
    const [right, wrong] = [new Member(settings), new Member(settings, off)];
    await Promise.all([right.ready, wrong.ready]);
    const header = await wrong.header();
    expect(await right.header()).toBe(header);
    const next = await right.header(tokenIn(header));
    expect(await wrong.header(tokenIn(header))).toBe(next);
    expect(tokens.countTokenRequests()).toBe(2);
  });
});
