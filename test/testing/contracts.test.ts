import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { defineGrant, type GrantStrategy, type Leases, type TokenCache } from "endpoint-security";
import { type ContractCase, grantContract, tokenCacheContract } from "endpoint-security/testing";
import { describe, expect, it, onTestFinished } from "vitest";

/** The names of the cases that don't hold. */
async function brokenOf(cases: readonly ContractCase[]): Promise<readonly string[]> {
  const broken: string[] = [];
  for (const { name, run } of cases) await run().catch(() => broken.push(name));
  return broken;
}

interface Entry {
  readonly value: unknown;
  readonly until: number;
}

/** A cache with leases, over maps that all caches share. */
function store() {
  const entries = new Map<string, Entry>();
  const leases = new Map<string, { readonly owner: string; readonly until: number }>();
  const holder = (name: string) => {
    const lease = leases.get(name);
    return lease !== undefined && Date.now() < lease.until ? lease.owner : undefined;
  };
  const make = (): TokenCache & { readonly leases: Leases } => ({
    get: async (key) => {
      const entry = entries.get(key);
      return entry !== undefined && Date.now() < entry.until ? entry.value : undefined;
    },
    set: async (key, value, ttlMs) => entries.set(key, { value, until: Date.now() + ttlMs }),
    delete: async (key) => entries.delete(key),
    leases: {
      acquire: async (name, owner, ttlMs) => {
        if (holder(name) !== undefined) return false;
        leases.set(name, { owner, until: Date.now() + ttlMs });
        return true;
      },
      extend: async (name, owner, ttlMs) => {
        if (holder(name) !== owner) return false;
        leases.set(name, { owner, until: Date.now() + ttlMs });
        return true;
      },
      release: async (name, owner) => holder(name) === owner && leases.delete(name),
    },
  });
  return { make, entries, leases };
}

describe("tokenCacheContract", () => {
  it("holds for a cache that is right", async () => {
    const { make } = store();
    expect(await brokenOf(tokenCacheContract(make))).toEqual([]);
  });

  it("holds for one without leases", async () => {
    const { make } = store();
    const without = () => ({ ...make(), leases: undefined });
    expect(await brokenOf(tokenCacheContract(without))).toEqual([]);
  });

  const wrong: Readonly<
    Record<string, (cache: ReturnType<ReturnType<typeof store>["make"]>) => TokenCache>
  > = {
    "has nothing under a name that was never written": (cache) => ({
      ...cache,
      get: async (key) => (await cache.get(key)) ?? "something",
    }),
    "forgets an entry when its time is over": (cache) => ({
      ...cache,
      set: (key, value) => cache.set(key, value, 3_600_000),
    }),
    "forgets what is deleted, and deletes what isn't there without an error": (cache) => ({
      ...cache,
      delete: async () => {},
    }),
    "keeps long texts of any characters apart, written at once": (cache) => ({
      ...cache,
      set: (key, value, ttlMs) =>
        cache.set(key, Buffer.from(String(value), "latin1").toString("latin1"), ttlMs),
    }),
    "tells a time near to this machine's, where it tells one": (cache) => ({
      ...cache,
      now: () => Date.now() / 1_000,
    }),
    "gives a lease to one owner at a time": (cache) => ({
      ...cache,
      leases: { ...cache.leases, acquire: async () => true },
    }),
    "lets the owner alone extend and release a lease": (cache) => ({
      ...cache,
      leases: { ...cache.leases, extend: async () => true },
    }),
    "ends a lease by itself, and extends none that has ended": (cache) => ({
      ...cache,
      leases: {
        ...cache.leases,
        acquire: (name, owner) => cache.leases.acquire(name, owner, 3_600_000),
      },
    }),
  };

  it.each(Object.entries(wrong))(
    "finds a cache of which this doesn't hold: it %s",
    { timeout: 30_000 },
    async (name, spoiled) => {
      const { make } = store();
      expect(await brokenOf(tokenCacheContract(() => spoiled(make())))).toContain(name);
    },
  );

  it("finds a cache that keeps its entries to itself", async () => {
    const broken = await brokenOf(tokenCacheContract(() => store().make()));
    expect(broken).toEqual(
      expect.arrayContaining([
        "shows one process what another wrote",
        "serves two instances with one token request",
      ]),
    );
  });
});

const device = defineGrant({
  grantType: "urn:example:device",
  credentials: { deviceKey: "required" },
  fields: ["serial"],
  parameterNames: ["serial", "device_key"],
  parameters: ({ serial, deviceKey }: { serial: string; deviceKey: string }) => ({
    serial,
    device_key: deviceKey,
  }),
});
const fields = { serial: "4711", deviceKey: "any-key" };

describe("grantContract", () => {
  it("holds for a strategy that is right", async () => {
    expect(await brokenOf(grantContract(device, { fields }))).toEqual([]);
  });

  const wrong: Readonly<Record<string, Partial<GrantStrategy>>> = {
    "takes its fields, and gets a token with them": { fields: [] },
    "leaves the parameters to the library that say who the client is": {
      parameters: () => ({ client_id: "me" }),
    },
    "gives texts and lists of texts as parameters": {
      parameters: () => ({ serial: 4711 }) as never,
    },
  };

  it.each(Object.entries(wrong))(
    "finds a strategy of which this doesn't hold: it %s",
    async (name, spoiled) => {
      const strategy = { ...device, ...spoiled };
      expect(await brokenOf(grantContract(strategy, { fields }))).toContain(name);
    },
  );
});

describe("Contracts", () => {
  it("run under node:test", { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "endpoint-security-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "cache.test.mts");
    const testing = fileURLToPath(new URL("../../src/testing.ts", import.meta.url));
    await writeFile(
      file,
      `import { test } from "node:test";
       import { tokenCacheContract } from ${JSON.stringify(testing)};
       const entries = new Map<string, unknown>();
       const cache = {
         get: async (key: string) => entries.get(key),
         set: async (key: string, value: unknown) => entries.set(key, value),
         delete: async (key: string) => entries.delete(key),
       };
       for (const { name, run } of tokenCacheContract(() => cache)) {
         if (!name.startsWith("forgets an entry")) test(name, run);
       }`,
    );
    const root = fileURLToPath(new URL("../../", import.meta.url));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--import", "tsx", "--test", "--test-reporter=tap", file],
      { cwd: root },
    );
    expect(stdout).toMatch(/^# fail 0$/m);
    expect(stdout).toMatch(/^# pass 12$/m);
  });
});
