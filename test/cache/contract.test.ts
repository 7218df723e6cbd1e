import { EndpointSecurity, type EndpointSecurityOptions } from "endpoint-security";
import { tokenCacheContract } from "endpoint-security/testing";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { describeWithRedis } from "../redis/redis-suite.ts";
import { checkout, issue, startTokenEndpoint } from "../tokens/token-endpoint.ts";
import { type SharedStore, storeKinds } from "./stores.ts";

const tokenOf = (count: number) => `a-token-nobody-may-see-${count}`;
const headerOf = (count: number) => `Bearer ${tokenOf(count)}`;

/** Issues `tokenOf(1)`, `tokenOf(2)`, …, with a life of so many seconds. */
async function issuing(expires_in = 3600) {
  const server = await startTokenEndpoint((res, count) =>
    issue(res, tokenOf(count), { expires_in }),
  );
  return { server, endpoint: checkout(server.tokenUrl) };
}

/** As one process more would have it. A busy machine is no reason for a miss, unless a test says so. */
function processOn(store: SharedStore, options: EndpointSecurityOptions = {}) {
  const cache = store.cache();
  const security = new EndpointSecurity({ cache, cacheTimeoutMs: 10_000, ...options });
  onTestFinished(() => security.close());
  const failures: string[] = [];
  security.on("cacheFailed", ({ operation, message }) => failures.push(`${operation} ${message}`));
  return { cache, security, failures };
}

let startedStore: SharedStore | undefined;

function started(): SharedStore {
  if (startedStore === undefined) throw new Error("no store was started");
  return startedStore;
}

for (const [name, { needsRedis, hasLeases, start }] of Object.entries(storeKinds)) {
  const describeStore = needsRedis ? describeWithRedis : describe;

  describeStore(`A cache made of ${name}`, () => {
    // The contract that caches of others are held to, with one store for all of its cases.
    for (const contractCase of tokenCacheContract(() => started().cache())) {
      test(contractCase.name, async () => {
        startedStore = await start();
        await contractCase.run();
      });
    }

    test("gives one process the token that another got, with no token request", async () => {
      const store = await start();
      const { server, endpoint } = await issuing();
      const [one, other] = [processOn(store), processOn(store)];
      expect(await one.security.getAuthHeader(endpoint)).toBe(headerOf(1));
      await one.security.close();
      expect(await other.security.getAuthHeader({ ...endpoint })).toBe(headerOf(1));
      expect(other.security.explain(endpoint)).toMatchObject({ source: "cache" });
      expect(server.requests).toHaveLength(1);
      expect([...one.failures, ...other.failures]).toEqual([]);
    });

    test("shows nobody a token, a secret or a client", async () => {
      const store = await start();
      const { server, endpoint } = await issuing();
      const { security } = processOn(store);
      await security.getToken(endpoint);
      await security.close();
      const content = await store.content();
      // Sealed, and there.
      expect(content).toContain("..");
      for (const word of [
        tokenOf(1),
        "checkout",
        "secret",
        "Bearer",
        new URL(server.tokenUrl).host,
      ]) {
        expect(content).not.toContain(word);
        const [, encoded] = Buffer.from(`  ${word}`).toString("base64url").split(/^.{4}/);
        expect(content).not.toContain(encoded?.slice(0, -2));
      }
    });

    test("has nothing for a process with another secret", async () => {
      const store = await start();
      const { server, endpoint } = await issuing();
      const [one, other] = [processOn(store), processOn(store)];
      await one.security.getToken(endpoint);
      await one.security.close();
      const mistaken = { ...endpoint, clientSecret: "another-secret" };
      expect(await other.security.getAuthHeader(mistaken)).toBe(headerOf(2));
      expect(server.requests).toHaveLength(2);
      expect(other.failures).toEqual([]);
    });

    test("keeps a token no longer than it lives", async () => {
      const store = await start();
      const { server, endpoint } = await issuing(1);
      const { cache, security } = processOn(store);
      const set = vi.spyOn(cache, "set");
      await security.getToken(endpoint);
      await security.close();
      const [[key = "", , ttlMs = 0] = []] = set.mock.calls;
      expect(Number.isInteger(ttlMs)).toBe(true);
      expect(ttlMs).toBeGreaterThan(0);
      expect(ttlMs).toBeLessThanOrEqual(1_000);
      await cache.open?.();
      await expect.poll(() => cache.get(key), { timeout: 10_000 }).toBeUndefined();
      const other = processOn(store);
      expect(await other.security.getAuthHeader(endpoint)).toBe(headerOf(2));
      expect(server.requests).toHaveLength(2);
    });

    test("forgets what one process invalidates", async () => {
      const store = await start();
      const { endpoint } = await issuing();
      const [one, other] = [processOn(store), processOn(store)];
      await one.security.getToken(endpoint);
      await one.security.invalidate(endpoint);
      expect(await store.content()).not.toContain("..");
      expect(await other.security.getAuthHeader(endpoint)).toBe(headerOf(2));
    });

    test("compares a refused token: one revocation costs one renewal", async () => {
      const store = await start();
      const { server, endpoint } = await issuing();
      const processes = [processOn(store), processOn(store), processOn(store)];
      const rejection = { rejectedToken: tokenOf(1) };
      const [first] = processes;
      await first?.security.getToken(endpoint);
      for (const { security } of processes) {
        // What the one before wrote behind its caller's back is there.
        await expect.poll(() => store.content()).toContain("..");
        expect(await security.getAuthHeader(endpoint)).toMatch(/^Bearer /);
      }
      const before = await store.content();
      expect(await first?.security.getAuthHeader(endpoint, rejection)).toBe(headerOf(2));
      await expect.poll(() => store.content()).not.toBe(before);
      await expect.poll(() => store.content()).toContain("..");
      for (const { security } of processes) {
        expect(await security.getAuthHeader(endpoint, rejection)).toBe(headerOf(2));
      }
      expect(server.requests).toHaveLength(2);
    });

    test(`lets ${hasLeases ? "one process ask for all" : "each process ask once at most"} when they start at once`, async () => {
      const store = await start();
      const { server, endpoint } = await issuing();
      const processes = Array.from({ length: 4 }, () => processOn(store));
      const calls = processes.flatMap(({ security }) =>
        Array.from({ length: 10 }, () => security.getAuthHeader(endpoint)),
      );
      const headers = new Set(await Promise.all(calls));
      expect(server.requests.length).toBe(headers.size);
      expect(headers.size).toBeLessThanOrEqual(hasLeases ? 1 : processes.length);
    });

    test("costs token requests and nothing else when it breaks down", async () => {
      const silenced = vi.spyOn(console, "error").mockImplementation(() => {});
      onTestFinished(() => silenced.mockRestore());
      const store = await start();
      const { server, endpoint } = await issuing();
      const deadline = { cacheTimeoutMs: 100 };
      const processes = [processOn(store, deadline), processOn(store, deadline)];
      const [first] = processes;
      await first?.security.getToken({ ...endpoint, scope: "before" });
      await store.breakDown();
      const before = server.requests.length;
      for (const { security } of processes) {
        const calls = Array.from({ length: 10 }, () => security.getAuthHeader(endpoint));
        expect(new Set(await Promise.all(calls)).size).toBe(1);
        expect(await security.getAuthHeader(endpoint)).toBe(await calls[0]);
      }
      expect(server.requests).toHaveLength(before + processes.length);
    });
  });
}
