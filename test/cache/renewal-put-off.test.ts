import { EndpointSecurity, type TokenCache } from "endpoint-security";
import { expect, onTestFinished, test, vi } from "vitest";
import { pass, scriptedFetch, stopTime, token } from "../tokens/fake-time.ts";
import { checkout } from "../tokens/token-endpoint.ts";

const second = 1_000;

/** Lets what takes turns of the event loop happen, while the clock stands still. */
async function until(isSo: () => unknown): Promise<void> {
  for (let turn = 0; turn < 100_000 && !(await isSo()); turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What Redis is to a fleet, with a switch. */
function sharedCache() {
  const entries = new Map<string, unknown>();
  const owners = new Map<string, string>();
  const state = { isDown: false };
  const answer = async <T>(value: () => T): Promise<T> => {
    if (state.isDown) throw new Error("out of order");
    return value();
  };
  const release = (name: string, owner: string) =>
    owners.get(name) === owner && owners.delete(name);
  const cache: TokenCache = {
    get: (key) => answer(() => entries.get(key)),
    set: (key, value) => answer(() => entries.set(key, value)),
    delete: (key) => answer(() => entries.delete(key)),
    leases: {
      acquire: (name, owner) =>
        answer(() => !owners.has(name) && owners.set(name, owner) !== undefined),
      extend: (name, owner) => answer(() => owners.get(name) === owner),
      release: (name, owner) => answer(() => release(name, owner)),
    },
  };
  /** Sealing takes real time: the clock may move on when no request is under way. */
  const idle = () => until(() => owners.size === 0);
  return { cache, state, entries, idle };
}

/** Processes of a fleet on a stopped clock, each of which holds `token-1` of an hour. */
async function fleetOf(size: number, leases: "with leases" | "without leases" = "with leases") {
  stopTime();
  const shared = sharedCache();
  const cache = leases === "with leases" ? shared.cache : { ...shared.cache, leases: undefined };
  const script = scriptedFetch();
  const endpoint = checkout("https://idp.example.test/token");
  const members = Array.from({ length: size }, () => {
    const security = new EndpointSecurity({ cache, fetch: script.fetch });
    onTestFinished(() => security.close());
    const failed = vi.fn();
    security.on("tokenRequestFailed", failed);
    const get = async () => (await security.getToken(endpoint)).accessToken;
    return { security, get, failed, explain: () => security.explain(endpoint) };
  });
  for (const { get } of members) {
    expect(await get()).toBe("token-1");
    await until(() => shared.entries.size === 1);
  }
  expect(script.times).toHaveLength(1);
  const getAll = () => Promise.all(members.map(({ get }) => get()));
  return { ...shared, script, endpoint, members, getAll };
}

test.each(["with leases", "without leases"] as const)(
  "while a cache %s is in trouble, nobody renews ahead of time, and all have the old token",
  async (leases) => {
    const { state, script, members, getAll } = await fleetOf(3, leases);
    // Beyond 84 %, where the last of them finds it stale.
    await pass(3_030 * second);
    state.isDown = true;
    for (let elapsed = 0; elapsed < 120; elapsed += 1) {
      expect(new Set(await getAll())).toEqual(new Set(["token-1"]));
      await pass(second);
    }
    expect(script.times).toHaveLength(1);
    for (const { failed, explain } of members) {
      expect(failed).not.toHaveBeenCalled();
      expect(explain()).toMatchObject({ token: "usable", lastError: undefined });
    }
  },
);

test("a renewal that was postponed happens once for all when the cache is back", async () => {
  const { state, script, members, getAll, idle } = await fleetOf(4);
  await pass(3_030 * second);
  state.isDown = true;
  for (let elapsed = 0; elapsed < 10; elapsed += 1) {
    await getAll();
    await pass(second);
  }
  state.isDown = false;
  // As long as a pause of the circuit may be by now, and one of the renewal.
  for (let elapsed = 0; elapsed < 60; elapsed += 1) {
    await getAll();
    await idle();
    await pass(second);
  }
  for (const { get } of members) {
    await until(async () => (await get()) !== "token-1");
    expect(await get()).toBe("token-2");
  }
  expect(script.times).toHaveLength(2);
});

test("a renewal is postponed no longer than for half of the time that is left for it", async () => {
  const { state, script, members, getAll } = await fleetOf(4);
  state.isDown = true;
  await pass(2_700 * second);
  for (let elapsed = 2_700; elapsed < 3_360; elapsed += 5) {
    for (const accessToken of await getAll()) expect(accessToken).toMatch(/^token-/);
    await pass(5 * second);
  }
  // The token may be sent for 3,570 s. Each has asked, and none at its very end.
  await until(() => script.times.length > members.length);
  expect(script.times).toHaveLength(1 + members.length);
  const tokens = await getAll();
  expect(tokens).not.toContain("token-1");
  // Each at a moment of its own.
  expect(new Set(script.times).size).toBeGreaterThan(2);
});

test("a caller whose old token is rejected doesn't wait for a renewal that is postponed", async () => {
  const { state, security, endpoint, script } = await (async () => {
    const fleet = await fleetOf(1);
    const [member] = fleet.members;
    if (member === undefined) throw new Error("one was started");
    return { ...fleet, ...member };
  })();
  await pass(3_030 * second);
  state.isDown = true;
  // The first begins a renewal ahead of time, which the second finds under way.
  const [old, next] = await Promise.all([
    security.getToken(endpoint),
    security.getToken(endpoint, { rejectedToken: "token-1" }),
  ]);
  expect([old.accessToken, next.accessToken]).toEqual(["token-1", "token-2"]);
  expect(script.times).toHaveLength(2);
});

test("an outage of ten minutes costs tokens of one minute no gap", async () => {
  stopTime();
  const { cache, state, entries } = sharedCache();
  const script = scriptedFetch((count) => token(count, { expires_in: 60 }));
  const security = new EndpointSecurity({ cache, fetch: script.fetch });
  onTestFinished(() => security.close());
  const endpoint = checkout("https://idp.example.test/token");
  await security.getToken(endpoint);
  await until(() => entries.size === 1);
  state.isDown = true;
  const seen = new Set<string>();
  for (let elapsed = 0; elapsed < 600; elapsed += 0.5) {
    const before = script.times.length;
    seen.add((await security.getToken(endpoint)).accessToken);
    // Never in the foreground: the call had its token before the request for the next was over.
    expect(script.times.length).toBe(before);
    await pass(second / 2);
  }
  expect(seen.size).toBeGreaterThanOrEqual(10);
});
