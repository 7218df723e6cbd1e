import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { GuardedCache } from "../../src/cache/guarded-cache.ts";
import { Lease } from "../../src/cache/lease.ts";
import { harmless, type TokenCache } from "../../src/cache/token-cache.ts";
import { ClosedError } from "../../src/errors.ts";
import { pass, settle, stopTime } from "../tokens/fake-time.ts";

const never = () => new Promise<never>(() => {});

/** A guard around a cache that works, but for what a test makes of it. */
function guarded(spoiled: Partial<TokenCache> = {}, timeoutMs = 250) {
  const map = new Map<string, unknown>();
  const working = {
    get: vi.fn(async (key: string) => map.get(key)),
    set: vi.fn(async (key: string, value: unknown, _ttlMs: number) => map.set(key, value)),
    delete: vi.fn(async (key: string) => map.delete(key)),
  };
  const cache = Object.assign(working, spoiled);
  const events: unknown[] = [];
  const guard = new GuardedCache({ ...cache, ...spoiled }, timeoutMs, (name, event) =>
    events.push([name, event]),
  );
  return { cache, map, events, guard };
}

const failed = (operation: string, reason: string, message: string) => [
  "cacheFailed",
  { operation, reason, message },
];

beforeEach(() => {
  stopTime();
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("a guarded cache", () => {
  test("hands on what it is asked, and what it says", async () => {
    const { guard, map, events } = guarded();
    await guard.set("a", "x", 1_000);
    expect(await guard.get("a")).toBe("x");
    await guard.delete("a");
    expect(await guard.get("a")).toBeUndefined();
    expect([map.size, events, guard.isInTrouble]).toEqual([0, [], false]);
  });

  test.each([
    [1_234.9, [1_234]],
    [1, [1]],
    [0.9, []],
    [0, []],
    [-5, []],
  ])("keeps an entry for whole milliseconds, of %d", async (ttlMs, expected) => {
    const { guard, cache } = guarded();
    await guard.set("a", "x", ttlMs);
    expect(cache.set.mock.calls.map(([, , ttl]) => ttl)).toEqual(expected);
  });

  test("reports how far its clock is ahead, and 0 for a cache without a clock", () => {
    expect(guarded().guard.clockLeadMs).toBe(0);
    expect(guarded({ now: () => Date.now() + 7 }).guard.clockLeadMs).toBe(7);
  });

  test("says whether it has leases", () => {
    expect(guarded().guard.hasLeases).toBe(false);
    expect(guarded({ leases: leasesOf() }).guard.hasLeases).toBe(true);
  });
});

describe("an event says of what was thrown", () => {
  const coded = (code: unknown, text = "secret") => Object.assign(new Error(text), { code });
  test.each<[string, unknown, string]>([
    ["its kind alone", new TypeError("secret"), "TypeError"],
    ["its code besides", coded("ECONNREFUSED"), "Error ECONNREFUSED"],
    ["Redis' word for it besides", new Error("READONLY secret"), "Error READONLY"],
    ["its code before Redis' word", coded("EPIPE", "READONLY secret"), "Error EPIPE"],
    ["Redis' word where the code is no text", coded(7, "READONLY secret"), "Error READONLY"],
    ["no word that doesn't come first", new Error("a READONLY secret"), "Error"],
    ["no word in front of a colon", new Error("SECRET:x"), "Error"],
    ["no word that is short", new Error("NO secret"), "Error"],
    ["no word that is long", new Error(`${"S".repeat(21)} secret`), "Error"],
    ["no code that is a text", coded("the secret is x"), "Error"],
    ["no code with more in front", coded("x SECRET"), "Error"],
    ["no code with more behind it", coded("SECRET x"), "Error"],
    ["no code of one letter", coded("E"), "Error"],
    ["all of an error of ours", new ClosedError(), new ClosedError().message],
    [
      "all of what a cache calls harmless",
      Object.assign(new Error("all"), { [harmless]: true }),
      "all",
    ],
    [
      "no more where that isn't true",
      Object.assign(new Error("all"), { [harmless]: "no" }),
      "Error",
    ],
    ["nothing where it is no error", "secret", "an unknown error"],
  ])("%s", async (_, thrown, message) => {
    const { guard, events } = guarded({ get: () => Promise.reject(thrown) });
    expect(await guard.get("a")).toBeUndefined();
    expect(events).toEqual([failed("get", "error", message)]);
    expect(guard.isInTrouble).toBe(true);
  });

  test("that it came too late", async () => {
    const { guard, events } = guarded({ set: never });
    const done = guard.set("a", "x", 1_000);
    await pass(249);
    expect(events).toEqual([]);
    await pass(1);
    await done;
    expect(events).toEqual([failed("set", "timeout", "no answer in time")]);
  });

  test("that the connection was lost", () => {
    let tell: (error: unknown) => void = () => {};
    const { guard, events } = guarded({
      on: (_, listener) => {
        tell = listener;
      },
    });
    tell(new Error("secret"));
    tell(new Error("secret"));
    expect(events).toEqual([failed("connect", "error", "Error")]);
    expect(guard.isInTrouble).toBe(true);
  });
});

describe("trouble", () => {
  test("is over when what failed works again, and not when something else works", async () => {
    const { guard, events, cache } = guarded();
    cache.set.mockRejectedValueOnce(new Error());
    await guard.set("a", "x", 1_000);
    await guard.get("a");
    expect([guard.isInTrouble, events.length]).toEqual([true, 1]);
    await guard.delete("a");
    expect(guard.isInTrouble).toBe(false);
    expect(events.slice(1)).toEqual([["cacheRecovered", {}]]);
    await guard.delete("a");
    expect(events).toHaveLength(2);
  });

  test("in writing keeps nobody from reading", async () => {
    const { guard, cache } = guarded({ set: () => Promise.reject(new Error()) });
    for (let count = 0; count < 4; count++) await guard.set("a", "x", 1_000);
    await guard.get("a");
    expect(cache.get).toHaveBeenCalledTimes(1);
    await guard.delete("a");
    expect(cache.delete).not.toHaveBeenCalled();
  });

  test("in reading keeps everybody from writing, and from reading for a while", async () => {
    const get = vi.fn(() => Promise.reject(new Error()));
    const { guard, cache } = guarded({ get });
    for (let count = 0; count < 3; count++) await guard.get("a");
    await guard.set("a", "x", 1_000);
    await guard.delete("a");
    expect(await guard.get("a")).toBeUndefined();
    expect(cache.set).not.toHaveBeenCalled();
    expect(cache.delete).not.toHaveBeenCalled();
    expect(get).toHaveBeenCalledTimes(3);
    await pass(1_250);
    await guard.get("a");
    expect(get).toHaveBeenCalledTimes(4);
  });
});

describe("an entry that is no JSON", () => {
  const rubbish = { get: () => Promise.reject(new SyntaxError("secret")) };

  test("is reported once for each name, and is no trouble", async () => {
    const { guard, events } = guarded(rubbish);
    for (const key of ["a", "a", "b", "a"]) await guard.get(key);
    const told = failed("get", "unusable_entry", "an entry was changed or is not readable");
    expect(events).toEqual([told, told]);
    expect(guard.isInTrouble).toBe(false);
  });

  test("is reported again once it was replaced", async () => {
    const { guard, events } = guarded(rubbish);
    await guard.get("a");
    await guard.set("a", "x", 1_000);
    await guard.get("a");
    expect(events).toHaveLength(2);
  });

  test("breaks nothing, however often it comes", async () => {
    const get = vi.fn(rubbish.get);
    const { guard } = guarded({ get });
    for (let count = 0; count < 5; count++) await guard.get("a");
    expect(get).toHaveBeenCalledTimes(5);
  });
});

describe("opening", () => {
  test("happens before each operation, and not where the cache knows none", async () => {
    const open = vi.fn(() => undefined);
    const { guard } = guarded({ open });
    await guard.get("a");
    await guard.delete("a");
    expect(open).toHaveBeenCalledTimes(2);
  });

  test("may take two and a half seconds the first time, which the operation's own deadline doesn't count", async () => {
    let ready = () => {};
    const opening = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const { guard, events, cache } = guarded({ open: () => opening });
    cache.get.mockImplementation(never);
    const done = guard.get("a");
    await pass(2_400);
    expect(events).toEqual([]);
    ready();
    await settle();
    await pass(249);
    expect(events).toEqual([]);
    await pass(1);
    await done;
    expect(events).toEqual([failed("get", "timeout", "no answer in time")]);
  });

  test("is given up after two and a half seconds", async () => {
    const { guard, events, cache } = guarded({ open: never });
    const done = guard.get("a");
    await pass(2_499);
    expect(events).toEqual([]);
    await pass(1);
    await done;
    expect(events).toEqual([failed("get", "timeout", "no answer in time")]);
    expect(cache.get).not.toHaveBeenCalled();
  });

  test("may take the operation's deadline where that is longer", async () => {
    const { guard, events } = guarded({ open: never }, 6_000);
    const done = guard.get("a");
    await pass(5_999);
    expect(events).toEqual([]);
    await pass(1);
    await done;
    expect(events).toEqual([failed("get", "timeout", "no answer in time")]);
  });

  test("has no more than the operation's deadline later, and leaves it what remains", async () => {
    const opening: (Promise<void> | undefined)[] = [Promise.resolve()];
    const { guard, events, cache } = guarded({ open: () => opening.shift() });
    await guard.get("a");
    let ready = () => {};
    opening.push(
      new Promise((resolve) => {
        ready = resolve;
      }),
    );
    cache.get.mockImplementation(never);
    const done = guard.get("a");
    await pass(200);
    ready();
    await settle();
    await pass(49);
    expect(events).toEqual([]);
    await pass(1);
    await done;
    expect(events).toHaveLength(1);
    opening.push(never());
    const late = guard.delete("a");
    await pass(250);
    await late;
    expect(cache.delete).not.toHaveBeenCalled();
  });
});

/** Leases that are granted as a test says. */
function leasesOf(acquire: (ttlMs: number) => Promise<boolean> = async () => true) {
  return {
    acquire: vi.fn((_name: string, _owner: string, ttlMs: number) => acquire(ttlMs)),
    extend: vi.fn(async (_name: string, _owner: string, _ttlMs: number) => true),
    release: vi.fn(async (_name: string, _owner: string) => undefined),
  };
}

describe("a lease", () => {
  test("can't be had where the cache has none", async () => {
    expect(await guarded().guard.lease("a")).toBeUndefined();
  });

  test("is taken where another has it", async () => {
    const leases = leasesOf(async () => false);
    expect(await guarded({ leases }).guard.lease("a")).toBe("taken");
    await pass(10_000);
    expect(leases.extend).not.toHaveBeenCalled();
    expect(leases.release).not.toHaveBeenCalled();
  });

  test("is kept by its owner until it is released", async () => {
    vi.useFakeTimers({
      toFake: ["Date", "performance", "setTimeout", "clearTimeout", "setInterval", "clearInterval"],
    });
    const leases = leasesOf();
    const lease = await guarded({ leases }).guard.lease("a");
    if (!(lease instanceof Lease)) throw new Error("it was granted");
    const [[name, owner, ttlMs] = []] = leases.acquire.mock.calls;
    expect([name, ttlMs]).toEqual(["a", 3_000]);
    await pass(2_999);
    expect(leases.extend).toHaveBeenCalledTimes(2);
    expect(leases.extend).toHaveBeenLastCalledWith("a", owner, 3_000);
    await lease.release();
    expect(leases.release).toHaveBeenCalledExactlyOnceWith("a", owner);
    await pass(10_000);
    expect(leases.extend).toHaveBeenCalledTimes(2);
  });

  test("that was lost is not kept any longer, and one that nobody knows of is", async () => {
    vi.useFakeTimers({
      toFake: ["Date", "performance", "setTimeout", "clearTimeout", "setInterval", "clearInterval"],
    });
    const leases = leasesOf();
    leases.extend.mockRejectedValueOnce(new Error()).mockResolvedValueOnce(false);
    const { guard, events } = guarded({ leases });
    await guard.lease("a");
    await pass(10_000);
    expect(leases.extend).toHaveBeenCalledTimes(2);
    expect(events[0]).toEqual(failed("lease", "error", "Error"));
  });

  test("that can't be released is reported", async () => {
    const leases = leasesOf();
    leases.release.mockRejectedValueOnce(new Error());
    const { guard, events } = guarded({ leases });
    const lease = await guard.lease("a");
    if (!(lease instanceof Lease)) throw new Error("it was granted");
    await lease.release();
    expect(events).toEqual([failed("lease", "error", "Error")]);
  });

  test("has owners that differ", async () => {
    const leases = leasesOf();
    const { guard } = guarded({ leases });
    await guard.lease("a");
    await guard.lease("a");
    const owners = leases.acquire.mock.calls.map(([, owner]) => owner);
    expect(new Set(owners).size).toBe(2);
  });

  test("that is granted too late is given back, which an end waits for", async () => {
    let grant: (granted: boolean) => void = () => {};
    const granted = new Promise<boolean>((resolve) => {
      grant = resolve;
    });
    const leases = leasesOf(() => granted);
    const { guard, events } = guarded({ leases });
    const lease = guard.lease("a");
    await pass(250);
    expect(await lease).toBeUndefined();
    expect(events).toEqual([failed("lease", "timeout", "no answer in time")]);
    let closed = false;
    const closing = guard.close().then(() => {
      closed = true;
    });
    await settle();
    expect([closed, leases.release.mock.calls.length]).toEqual([false, 0]);
    grant(true);
    await closing;
    expect(leases.release).toHaveBeenCalledTimes(1);
  });

  test("that is refused too late isn't anybody's to give back", async () => {
    let grant: (granted: boolean) => void = () => {};
    const granted = new Promise<boolean>((resolve) => {
      grant = resolve;
    });
    const leases = leasesOf(() => granted);
    const { guard } = guarded({ leases });
    const lease = guard.lease("a");
    await pass(250);
    await lease;
    grant(false);
    await guard.settled();
    expect(leases.release).not.toHaveBeenCalled();
  });
});

describe("the end", () => {
  test("waits for what runs in the background, whether it fails or not", async () => {
    const { guard } = guarded();
    let end = () => {};
    guard.behind(Promise.reject(new Error()));
    guard.behind(
      new Promise<void>((resolve) => {
        end = resolve;
      }),
    );
    let closed = false;
    const closing = guard.close().then(() => {
      closed = true;
    });
    await settle();
    expect(closed).toBe(false);
    end();
    await closing;
  });

  test("closes the cache, and hears no more of it", async () => {
    const close = vi.fn(() => Promise.reject(new Error()));
    const [on, off] = [vi.fn(), vi.fn()];
    const { guard, events } = guarded({ close, on, off });
    await guard.close();
    expect(close).toHaveBeenCalledTimes(1);
    expect(off.mock.calls).toEqual(on.mock.calls);
    expect(on).toHaveBeenCalledExactlyOnceWith("error", expect.any(Function));
    expect(events).toEqual([]);
  });

  test("doesn't wait for ever for a cache that doesn't close", async () => {
    const { guard } = guarded({ close: never });
    let closed = false;
    const closing = guard.close().then(() => {
      closed = true;
    });
    await pass(9_999);
    expect(closed).toBe(false);
    await pass(1);
    await closing;
  });
});
