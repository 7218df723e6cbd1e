import { strict as assert } from "node:assert";
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Leases, TokenCache } from "../../cache/token-cache.ts";
import { EndpointSecurity } from "../../endpoint-security.ts";
import type { ContractCase } from "./contract-case.ts";

type MakeCache = () => TokenCache | Promise<TokenCache>;

const minuteMs = 60_000;
const shortMs = 60;
const patienceMs = 5_000;

/**
 * What a cache of your own has to hold, so that it may be shared by processes, as tests for any runner.
 * @param makeCache makes a cache; all that it makes share one store, as processes do.
 * @example
 * ```ts
 * describe("my cache", () => {
 *   for (const { name, run } of tokenCacheContract(() => new MyCache(url))) test(name, run);
 * });
 * ```
 */
export function tokenCacheContract(
  makeCache: () => TokenCache | Promise<TokenCache>,
): readonly ContractCase[] {
  return [...entryCases(makeCache), ...leaseCases(makeCache), ...instanceCases(makeCache)];
}

function entryCases(makeCache: MakeCache): readonly ContractCase[] {
  const withCache = opener(makeCache);
  return [
    {
      name: "has nothing under a name that was never written",
      run: () =>
        withCache(async (cache) => {
          assert.equal((await cache.get(randomUUID())) ?? undefined, undefined);
        }),
    },
    {
      name: "returns what was written, until its time is over",
      run: () =>
        withCache(async (cache) => {
          const key = randomUUID();
          await cache.set(key, "value", minuteMs);
          assert.equal(await cache.get(key), "value");
        }),
    },
    {
      name: "forgets an entry when its time is over",
      run: () =>
        withCache(async (cache) => {
          const key = randomUUID();
          await cache.set(key, "value", shortMs);
          await until("the entry is gone", async () => (await cache.get(key)) == null);
        }),
    },
    {
      name: "returns what was written last",
      run: () =>
        withCache(async (cache) => {
          const key = randomUUID();
          await cache.set(key, "first", shortMs);
          await cache.set(key, "second", minuteMs);
          await pause(shortMs * 2);
          assert.equal(await cache.get(key), "second");
        }),
    },
    {
      name: "forgets what is deleted, and deletes what isn't there without an error",
      run: () =>
        withCache(async (cache) => {
          const key = randomUUID();
          await cache.set(key, "value", minuteMs);
          await cache.delete(key);
          assert.equal((await cache.get(key)) ?? undefined, undefined);
          await cache.delete(key);
        }),
    },
    {
      name: "keeps long texts of any characters apart, written at once",
      run: () =>
        withCache(async (cache) => {
          const entries = Array.from(
            { length: 50 },
            (_, index) =>
              [`${randomUUID()}:${index}`, `${index} “…” 🔑 \n${"x".repeat(16_384)}`] as const,
          );
          // Many clients connect with their first operation.
          await cache.get(randomUUID());
          await Promise.all(entries.map(([key, value]) => cache.set(key, value, minuteMs)));
          const read = await Promise.all(entries.map(([key]) => cache.get(key)));
          assert.deepEqual(
            read,
            entries.map(([, value]) => value),
          );
        }),
    },
    {
      name: "shows one process what another wrote",
      run: () =>
        withCache((one) =>
          withCache(async (other) => {
            const key = randomUUID();
            await one.set(key, "value", minuteMs);
            assert.equal(await other.get(key), "value");
          }),
        ),
    },
    {
      name: "works again after it was closed",
      run: async () => {
        const cache = await makeCache();
        const key = randomUUID();
        await cache.open?.();
        await cache.set(key, "value", minuteMs);
        await cache.close?.();
        await cache.open?.();
        await cache.get(key);
        await cache.close?.();
      },
    },
    {
      name: "tells a time near to this machine's, where it tells one",
      run: () =>
        withCache(async (cache) => {
          const now = cache.now?.() ?? Date.now();
          assert.ok(Math.abs(now - Date.now()) < 86_400_000, `now() is ${now}`);
        }),
    },
  ];
}

function leaseCases(makeCache: MakeCache): readonly ContractCase[] {
  const withCache = opener(makeCache);
  /** Leases are optional: without them these cases hold. */
  const withLeases = (work: (leases: Leases, name: string) => Promise<void>) => () =>
    withCache(async ({ leases }) => {
      if (leases !== undefined) await work(leases, randomUUID());
    });
  return [
    {
      name: "gives a lease to one owner at a time",
      run: withLeases(async (leases, name) => {
        const owners = Array.from({ length: 20 }, () => randomUUID());
        const got = await Promise.all(owners.map((owner) => leases.acquire(name, owner, minuteMs)));
        assert.equal(got.filter((isOwner) => isOwner).length, 1);
      }),
    },
    {
      name: "lets the owner alone extend and release a lease",
      run: withLeases(async (leases, name) => {
        assert.equal(await leases.acquire(name, "owner", minuteMs), true);
        assert.equal(await leases.extend(name, "another", minuteMs), false);
        await leases.release(name, "another");
        assert.equal(await leases.acquire(name, "another", minuteMs), false);
        assert.equal(await leases.extend(name, "owner", minuteMs), true);
        await leases.release(name, "owner");
        assert.equal(await leases.acquire(name, "another", minuteMs), true);
      }),
    },
    {
      name: "ends a lease by itself, and extends none that has ended",
      run: withLeases(async (leases, name) => {
        await leases.acquire(name, "owner", shortMs);
        await until("the lease is free", () => leases.acquire(name, "another", minuteMs));
        assert.equal(await leases.extend(name, "owner", minuteMs), false);
      }),
    },
  ];
}

function instanceCases(makeCache: MakeCache): readonly ContractCase[] {
  return [
    {
      name: "serves two instances with one token request",
      run: async () => {
        let requests = 0;
        const fetch: typeof globalThis.fetch = async () => {
          requests++;
          return Response.json({ access_token: "token", token_type: "Bearer", expires_in: 3_600 });
        };
        const endpoint = {
          grantType: "client_credentials",
          tokenUrl: "https://idp.example.com/token",
          clientId: randomUUID(),
          clientSecret: "secret",
        } as const;
        for (let process = 0; process < 2; process++) {
          const cache = await makeCache();
          // Closing waits for what is being written.
          await using security = new EndpointSecurity({ cache, fetch, cacheTimeoutMs: patienceMs });
          await security.getToken(endpoint);
        }
        assert.equal(requests, 1);
      },
    },
  ];
}

function opener(makeCache: MakeCache) {
  return async (work: (cache: TokenCache) => Promise<void>): Promise<void> => {
    const cache = await makeCache();
    await cache.open?.();
    try {
      await work(cache);
    } finally {
      await cache.close?.();
    }
  };
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await isSo())) {
    assert.ok(performance.now() < deadline, `in vain: ${what}`);
    await pause(10);
  }
}
