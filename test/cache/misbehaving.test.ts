import { EndpointSecurity, type TokenCache } from "endpoint-security";
import Keyv from "keyv";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { answeringFetch } from "../tokens/answering-fetch.ts";
import { Latch } from "../tokens/latch.ts";
import { checkout, startTokenEndpoint } from "../tokens/token-endpoint.ts";

const tokenUrl = "https://idp.example.test/token";

afterEach(() => {
  vi.useRealTimers();
});

/** An instance with that cache, whose token endpoint gives `token-1`, `token-2`, … */
function withCache(cache: TokenCache, more: { cacheTimeoutMs?: number } = {}) {
  const answers = answeringFetch((count) => ({
    access_token: `token-${count}`,
    token_type: "Bearer",
    expires_in: 3600,
  }));
  const security = new EndpointSecurity({ cache, fetch: answers.fetch, ...more });
  const failures: string[] = [];
  security.on("cacheFailed", ({ operation, reason }) => failures.push(`${operation} ${reason}`));
  return { answers, security, failures };
}

const good: TokenCache = {
  get: async () => undefined,
  set: async () => true,
  delete: async () => true,
};

// The first call loads what tokens are asked for with and sealed by, which takes real time.
const warm = withCache(good).security;
await warm.getToken(checkout(tokenUrl));
await warm.close();

const never = () => new Promise<never>(() => {});

/** A cache that works, but for what a test makes of it. */
function working(spoiled: Partial<TokenCache> = {}): TokenCache {
  const map = new Map<string, unknown>();
  return {
    get: async (key) => map.get(key),
    set: async (key, value) => map.set(key, value),
    delete: async (key) => map.delete(key),
    ...spoiled,
  };
}

describe("no call fails because of a cache", () => {
  const fail = () => {
    throw new Error("out of order");
  };
  test.each<[string, TokenCache, string | undefined]>([
    ["that works", working(), undefined],
    ["that throws", { get: fail, set: fail, delete: fail }, "get error"],
    [
      "that rejects",
      { get: async () => fail(), set: async () => fail(), delete: async () => fail() },
      "get error",
    ],
    [
      "that rejects with nothing",
      {
        get: () => Promise.reject(),
        set: () => Promise.reject(),
        delete: () => Promise.reject(),
      },
      "get error",
    ],
    ["whose get fails", working({ get: fail }), "get error"],
    ["whose set fails", working({ set: fail }), "set error"],
    ["whose delete fails", working({ delete: fail }), "delete error"],
    ["that never keeps anything", good, undefined],
    ["that says nothing was set", { ...good, set: async () => false }, undefined],
    ["that knows null alone", { ...good, get: async () => null }, undefined],
  ])("%s", async (_what, cache, expected) => {
    const endpoint = checkout(tokenUrl);
    const first = withCache(cache);
    expect(await first.security.getAuthHeader(endpoint)).toBe("Bearer token-1");
    expect(await first.security.getAuthHeader(endpoint)).toBe("Bearer token-1");
    expect(await first.security.getAuthHeader(endpoint, { rejectedToken: "token-1" })).toBe(
      "Bearer token-2",
    );
    await first.security.close();
    const second = withCache(cache);
    await second.security.invalidate(endpoint, "token-2");
    await second.security.invalidate(endpoint);
    expect(await second.security.getAuthHeader(endpoint)).toMatch(/^Bearer token-/);
    await second.security.close();
    const failures = [...first.failures, ...second.failures];
    if (expected === undefined) expect(failures).toEqual([]);
    else expect(failures).toContain(expected);
  });

  const hostile = new Proxy(
    {},
    {
      get: () => {
        throw new Error("don't look");
      },
    },
  );
  test.each<[string, unknown]>([
    ["a number", 42],
    ["zero", 0],
    ["an empty string", ""],
    ["false", false],
    ["a symbol", Symbol("x")],
    ["a function", () => {}],
    ["an object", { value: "x" }],
    ["an object that throws when looked at", hostile],
    ["a buffer", Buffer.from("x")],
    ["a list", []],
    ["not a number", Number.NaN],
  ])("that returns %s", async (_what, rubbish) => {
    const { security, failures } = withCache({ ...good, get: async () => wrapped(rubbish) });
    const header = await security.getAuthHeader(checkout(tokenUrl));
    expect(header).toBe("Bearer token-1");
    expect(failures).toHaveLength(1);
  });

  /** A promise would look for a `then`; only what isn't hostile is handed over bare. */
  function wrapped(value: unknown): unknown {
    return value === hostile ? [value] : value;
  }

  test.each<[string, () => unknown]>([
    ["an error without a message", () => Object.assign(new Error(), { message: undefined })],
    ["an error with a message that is no string", () => Object.assign(new Error(), { message: 7 })],
    ["an error with a code that is none", () => Object.assign(new Error("x"), { code: {} })],
    ["an object", () => ({ not: "an error" })],
    ["a string", () => "out of order"],
  ])("that throws %s", async (_what, make) => {
    const get = async () => {
      throw make();
    };
    const { security, failures } = withCache({ ...good, get });
    expect(await security.getAuthHeader(checkout(tokenUrl))).toBe("Bearer token-1");
    expect(failures).toEqual(["get error"]);
  });

  test("whose Keyv throws on errors and whose store is down", async () => {
    const down = () => Promise.reject(new Error("ECONNREFUSED"));
    const store = Object.assign(new Map(), { get: down, set: down, delete: down });
    const { security, failures } = withCache(new Keyv({ store, throwOnErrors: true }));
    expect(await security.getAuthHeader(checkout(tokenUrl))).toBe("Bearer token-1");
    await security.invalidate(checkout(tokenUrl));
    await security.close();
    expect(failures.length).toBeGreaterThan(0);
  });

  test("whose Keyv holds broken JSON", async () => {
    const map = new Map<string, string>();
    const cache = new Keyv({ store: map });
    const first = withCache(cache);
    await first.security.getAuthHeader(checkout(tokenUrl));
    await first.security.close();
    for (const key of map.keys()) map.set(key, "{broken");
    const second = withCache(cache);
    expect(await second.security.getAuthHeader(checkout(tokenUrl))).toBe("Bearer token-1");
    expect(second.failures).toEqual(["get unusable_entry"]);
  });
});

describe("a cache that hangs", () => {
  /** Lets what is ready run, without the clock. */
  async function turns(): Promise<void> {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  test.each([
    ["250 ms", {}, 250],
    ["cacheTimeoutMs", { cacheTimeoutMs: 40 }, 40],
  ])("is waited for no longer than %s", async (_what, options, timeoutMs) => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    const asked = new Latch();
    const get = () => {
      asked.open();
      return never();
    };
    const { security, failures, answers } = withCache({ ...good, get }, options);
    const header = security.getAuthHeader(checkout(tokenUrl));
    await asked.opened;
    await vi.advanceTimersByTimeAsync(timeoutMs - 1);
    await turns();
    expect(answers.count).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(await header).toBe("Bearer token-1");
    expect(failures).toEqual(["get timeout"]);
  });

  test.each(["get", "set", "delete"] as const)(
    "in its %s is let go of, and the rest goes on",
    async (operation) => {
      const cache = working();
      const endpoint = checkout(tokenUrl);
      const filling = withCache(cache);
      await filling.security.getAuthHeader(endpoint);
      await filling.security.close();

      vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
      const asked = new Latch();
      const hanging = () => {
        asked.open();
        return never();
      };
      const { security, failures } = withCache({ ...cache, [operation]: hanging });
      let over = false;
      const done = security
        .invalidate(endpoint)
        .then(() => security.getAuthHeader(endpoint))
        .then(() => security.close())
        .finally(() => {
          over = true;
        });
      await asked.opened;
      // A few operations, each of which may take its time.
      for (let wait = 0; wait < 8 && !over; wait++) {
        await turns();
        await vi.advanceTimersByTimeAsync(250);
      }
      await done;
      expect(failures).toContain(`${operation} timeout`);
    },
  );

  test("is given up after a few times: later calls don't wait for it", async () => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    const [get, set] = [vi.fn(never), vi.fn(never)];
    const { security, answers } = withCache({ get, set, delete: never });
    let over = 0;
    const scopes = Array.from({ length: 20 }, (_, index) => `scope-${index}`);
    const done = scopes.reduce(async (before, scope) => {
      await before;
      await security.getAuthHeader(checkout(tokenUrl, { scope }));
      over += 1;
    }, Promise.resolve());
    for (let wait = 0; wait < 200 && over < scopes.length; wait++) {
      await turns();
      if (over < scopes.length) await vi.advanceTimersByTimeAsync(25);
    }
    await done;
    expect(answers.count).toBe(scopes.length);
    expect(get.mock.calls.length).toBeLessThan(scopes.length);
    // Nor do writes pile up where nothing can be read.
    const closed = security.close();
    for (let wait = 0; wait < 40; wait++) {
      await turns();
      await vi.advanceTimersByTimeAsync(25);
    }
    await closed;
    expect(set.mock.calls.length).toBeLessThanOrEqual(3);
  });

  test("and answers too late changes nothing, and is no unhandled rejection", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    onTestFinished(() => void process.off("unhandledRejection", unhandled));
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    const asked = new Latch();
    const late = new Latch();
    const get = async () => {
      asked.open();
      await late.opened;
      throw new Error("too late");
    };
    const { security } = withCache({ ...good, get });
    const header = security.getAuthHeader(checkout(tokenUrl));
    await asked.opened;
    await vi.advanceTimersByTimeAsync(250);
    expect(await header).toBe("Bearer token-1");
    late.open();
    await turns();
    expect(unhandled).not.toHaveBeenCalled();
  });

  test("costs a thousand callers one wait and one token request", async () => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    const asked = new Latch();
    const get = vi.fn(() => {
      asked.open();
      return never();
    });
    const { security, answers } = withCache({ ...good, get });
    const endpoint = checkout(tokenUrl);
    const headers = Array.from({ length: 1_000 }, () => security.getAuthHeader(endpoint));
    await asked.opened;
    await vi.advanceTimersByTimeAsync(250);
    expect(new Set(await Promise.all(headers))).toEqual(new Set(["Bearer token-1"]));
    expect([get.mock.calls.length, answers.count]).toEqual([1, 1]);
  });
});

describe("a Keyv that emits errors", () => {
  test("is heard as an event, and takes no process down", async () => {
    const cache = new Keyv();
    const { security, failures } = withCache(cache);
    cache.emit("error", new Error("connection lost"));
    expect(failures).toHaveLength(1);
    expect(failures[0]).toContain("error");
    expect(await security.getAuthHeader(checkout(tokenUrl))).toBe("Bearer token-1");
  });

  test("is no longer listened to after close", async () => {
    const cache = new Keyv();
    const off = vi.spyOn(cache, "off");
    const { security, failures } = withCache(cache);
    await security.close();
    expect(off).toHaveBeenCalledWith("error", expect.any(Function));
    cache.on("error", () => {});
    cache.emit("error", new Error("connection lost"));
    expect(failures).toEqual([]);
  });

  test("leaves the user's own listeners alone", async () => {
    const cache = new Keyv();
    const own = vi.fn();
    cache.on("error", own);
    const { security } = withCache(cache);
    await security.close();
    cache.emit("error", new Error("connection lost"));
    expect(own).toHaveBeenCalledTimes(1);
  });
});

test("trouble is reported once, and so is its end", async () => {
  let down = true;
  const get = async () => {
    if (down) throw new Error("out of order");
    return undefined;
  };
  const { security, failures } = withCache({ ...good, get, set: get });
  const recovered = vi.fn();
  security.on("cacheRecovered", recovered);
  await security.getAuthHeader(checkout(tokenUrl, { scope: "a" }));
  await vi.waitFor(() => expect(failures).toHaveLength(1));
  down = false;
  await security.getAuthHeader(checkout(tokenUrl, { scope: "b" }));
  await security.close();
  expect(failures).toHaveLength(1);
  expect(recovered).toHaveBeenCalledTimes(1);
});

test("an endpoint whose cache is down still shares one token in the process", async () => {
  const server = await startTokenEndpoint();
  const security = new EndpointSecurity({ cache: { ...good, get: never, set: never } });
  const headers = await Promise.all(
    Array.from({ length: 100 }, () => security.getAuthHeader(checkout(server.tokenUrl))),
  );
  expect(new Set(headers)).toEqual(new Set(["Bearer token-1"]));
  expect(server.requests).toHaveLength(1);
});
