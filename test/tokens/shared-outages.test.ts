import { EndpointSecurity, type EndpointSecurityOptions } from "endpoint-security";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { errorOf, pass, scriptedFetch, settle, stopTime, token } from "./fake-time.ts";
import { checkout } from "./token-endpoint.ts";

const tokenUrl = "https://idp.example.test/token";
const down = () => new Response("the secret backend is down", { status: 503 });

/** A cache with leases that processes share, in this process and on its clock. */
function sharedCache(latencyMs = 0) {
  const entries = new Map<string, { value: unknown; until: number }>();
  const get = (key: string) => {
    const entry = entries.get(key);
    return entry !== undefined && Date.now() < entry.until ? entry.value : undefined;
  };
  const set = (key: string, value: unknown, ttlMs: number) =>
    void entries.set(key, { value, until: Date.now() + ttlMs });
  const count = { operations: 0 };
  const counted = <Args extends unknown[], Result>(work: (...args: Args) => Result) =>
    vi.fn(async (...args: Args) => {
      count.operations++;
      if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
      return work(...args);
    });
  const cache = {
    get: counted(get),
    set: counted(set),
    delete: counted((key: string) => entries.delete(key)),
    leases: {
      acquire: counted((name: string, owner: string, ttlMs: number) => {
        if (get(name) !== undefined) return false;
        set(name, owner, ttlMs);
        return true;
      }),
      extend: counted((name: string, owner: string) => get(name) === owner),
      release: counted((name: string, owner: string) => {
        if (get(name) === owner) entries.delete(name);
      }),
    },
  };
  const named = (part: string) => [...entries].filter(([name]) => name.endsWith(part));
  return { cache, entries, count, named };
}

/** Moves the clock until the work is done, however long the machine takes for it. */
async function inTime<T>(work: Promise<T>, stepMs = 5): Promise<T> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  work.then(over, over);
  while (!isOver) await pass(stepMs);
  return work;
}

/** A fleet of processes with one endpoint and one cache. */
function fleetOf(
  size: number,
  how: Parameters<typeof scriptedFetch>[0],
  tokenRequest: object = {},
  cacheLatencyMs = 0,
) {
  stopTime();
  const script = scriptedFetch(how);
  const shared = sharedCache(cacheLatencyMs);
  const start = (options: EndpointSecurityOptions = {}) => {
    const security = new EndpointSecurity({ fetch: script.fetch, cache: shared.cache, ...options });
    const endpoint = checkout(tokenUrl, { tokenRequest: { retries: 0, ...tokenRequest } });
    return { security, endpoint, get: () => security.getAuthHeader(endpoint) };
  };
  const processes = Array.from({ length: size }, () => start());
  /** Each process calls once; how many of the calls failed. */
  const callAll = async () => {
    const results = await inTime(Promise.allSettled(processes.map(({ get }) => get())));
    return results.filter(({ status }) => status === "rejected").length;
  };
  /** All call about every 50 ms, for so long. */
  const callFor = async (ms: number) => {
    for (const until = performance.now() + ms; performance.now() < until; ) {
      await callAll();
      await pass(45);
    }
  };
  return { script, shared, start, processes, callAll, callFor };
}

describe("In an outage, processes that share a cache", () => {
  it("send one probe a second together, however many they are", async () => {
    const { script, callFor } = fleetOf(10, down);
    await callFor(30_000);
    const probes = script.times.length;
    expect(probes).toBeGreaterThanOrEqual(27);
    expect(probes).toBeLessThanOrEqual(41);
  });

  it("ask together where all of them start cold in it, and don't queue for the lease", async () => {
    // Each would hold it for 15 ms: five hundred, for longer than they wait for a token.
    const size = 500;
    const { script, shared, callAll } = fleetOf(size, down, { retries: 2 }, 5);
    const start = performance.now();
    expect(await callAll()).toBe(size);
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(script.times).toHaveLength(3);
    expect(shared.count.operations / size).toBeLessThan(30);
  });

  it("all have a token within 1.2 s after its end, by one request", async () => {
    let isDown = true;
    const { script, callAll, callFor } = fleetOf(10, (n) => (isDown ? down() : token(n)));
    await callFor(5_000);
    isDown = false;
    const requests = script.times.length;
    await callFor(1_200);
    expect(await callAll()).toBe(0);
    expect(script.times).toHaveLength(requests + 1);
  });

  it("need few operations of the cache: at most five a second for each process", async () => {
    const { callAll, callFor, shared } = fleetOf(10, down);
    await callAll();
    shared.count.operations = 0;
    await callFor(10_000);
    expect(shared.count.operations / 10 / 10).toBeLessThanOrEqual(5);
  });

  it("all get a token where they ask at once long after it, the callers of each process, too", async () => {
    let isDown = true;
    const { script, callAll, processes } = fleetOf(5, (n) => (isDown ? down() : token(n)));
    await callAll();
    isDown = false;
    const requests = script.times.length;
    await pass(60_000);
    const calls = processes.flatMap(({ get }) => Array.from({ length: 20 }, () => get()));
    expect(new Set(await inTime(Promise.all(calls))).size).toBe(1);
    expect(script.times).toHaveLength(requests + 1);
  });

  it("tell one that starts in it what the others know", async () => {
    const { script, start, callAll } = fleetOf(3, down);
    await callAll();
    const late = start();
    const error = await inTime(errorOf(late.get()));
    expect(error).toMatchObject({
      code: "token_endpoint_unavailable",
      reason: "status",
      status: 503,
      tokenUrl,
      repeated: true,
      nextAttemptAt: expect.any(Date),
    });
    expect(error.message).toContain("responded 503");
    expect(script.times).toHaveLength(1);
  });

  it("wait together for the time that Retry-After says", async () => {
    const busy = () => new Response(null, { status: 503, headers: { "retry-after": "60" } });
    const { script, callAll, callFor } = fleetOf(5, (n) => (n === 1 ? busy() : token(n)));
    for (let seconds = 0; seconds < 60; seconds++) {
      expect(await callAll()).toBe(5);
      await pass(1_000);
    }
    expect(script.times).toHaveLength(1);
    await callFor(500);
    expect(await callAll()).toBe(0);
    expect(script.times).toHaveLength(2);
  });

  it("are not kept from a token by one of them that can't reach the token endpoint", async () => {
    const { script, start, callAll } = fleetOf(3, (n) => token(n));
    const broken = start({ fetch: async () => Promise.reject(new TypeError("fetch failed")) });
    const callOfBroken = () => inTime(Promise.allSettled([broken.get()]));
    await callOfBroken();
    expect(await callAll()).toBe(3);
    for (let calls = 0; calls < 30; calls++) {
      await Promise.all([callOfBroken(), callAll()]);
      await pass(45);
    }
    expect(await callAll()).toBe(0);
    expect(await inTime(broken.get())).toBe("Bearer token-1");
    expect(script.times).toHaveLength(1);
  });

  it("don't share what is more often wrong on one machine: names and certificates", async () => {
    const { start, shared } = fleetOf(0, down);
    for (const code of ["ENOTFOUND", "CERT_HAS_EXPIRED"]) {
      const cause = Object.assign(new Error("no"), { code });
      const fetch = () => Promise.reject(new TypeError("fetch failed", { cause }));
      await inTime(errorOf(start({ fetch }).get()));
    }
    expect(shared.named(":outage")).toEqual([]);
  });

  it("leave nothing readable in the cache, and nothing for long", async () => {
    const { callAll, shared } = fleetOf(2, down);
    await callAll();
    while (shared.named(":outage").length === 0) await settle();
    const [[, entry] = ["", { value: "", until: 0 }]] = shared.named(":outage");
    expect(String(entry.value)).toMatch(/^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
    for (const part of String(entry.value).split(".")) {
      const text = Buffer.from(part, "base64url").toString();
      expect(text).not.toMatch(/idp|503|secret/);
    }
    expect(entry.until - Date.now()).toBeLessThanOrEqual(6_000);
    await pass(6_001);
    expect(shared.named(":outage").every(([, { until }]) => until < Date.now())).toBe(true);
  });

  it.each([
    ["isn't text", 1],
    ["was changed", "eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA"],
    ["was emptied", ""],
  ])("request as ever where the entry of an outage %s", async (_what, value) => {
    const { callAll, callFor, shared, script } = fleetOf(2, (n) => (n === 1 ? down() : token(n)));
    await callAll();
    while (shared.named(":outage").length === 0) await settle();
    for (const [, entry] of shared.named(":outage")) entry.value = value;
    await callFor(1_500);
    expect(await callAll()).toBe(0);
    expect(script.times).toHaveLength(2);
  });

  it.each([0, 1_000])(
    "get the error while another process probes, with coolDownMs %d",
    async (coolDownMs) => {
      const busy = () => new Response(null, { status: 503, headers: { "retry-after": "2" } });
      const { start, shared, script } = fleetOf(0, busy, { coolDownMs });
      const { get } = start();
      await inTime(errorOf(get()));
      await pass(2_200);
      shared.cache.leases.acquire.mockImplementation(async () => false);
      expect(await inTime(errorOf(get()))).toMatchObject({ status: 503, repeated: true });
      expect(script.times).toHaveLength(1);
    },
  );

  it("share nothing with coolDownMs 0", async () => {
    const { callAll, shared, script } = fleetOf(2, down, { coolDownMs: 0 });
    await callAll();
    await callAll();
    expect(script.times.length).toBeGreaterThan(2);
    expect(shared.named(":outage")).toEqual([]);
  });
});

describe("A caller that waits in a cool-down (waitInCoolDown)", () => {
  const waiting = (more: object = {}) => ({ retries: 3, waitInCoolDown: true, ...more });
  const busyFor = (count: number) => (n: number) => (n <= count ? down() : token(n));

  function alone(how: Parameters<typeof scriptedFetch>[0], tokenRequest: object) {
    stopTime();
    vi.spyOn(Math, "random").mockReturnValue(0);
    onTestFinished(() => void vi.restoreAllMocks());
    const script = scriptedFetch(how);
    const security = new EndpointSecurity({ fetch: script.fetch });
    const endpoint = checkout(tokenUrl, { tokenRequest });
    return { script, get: () => security.getAuthHeader(endpoint) };
  }

  it("gets the token of the next attempt", async () => {
    // The first request and its three retries fail, and so does the first probe.
    const { script, get } = alone(busyFor(5), waiting());
    expect(await inTime(get(), 50)).toBe("Bearer token-6");
    expect(script.times).toHaveLength(6);
  });

  it("shares one attempt a second with a thousand others", async () => {
    const { script, get } = alone(busyFor(5), waiting());
    const headers = Promise.all(Array.from({ length: 1_000 }, () => get()));
    expect(new Set(await inTime(headers, 50))).toEqual(new Set(["Bearer token-6"]));
    expect(script.times).toHaveLength(6);
  });

  it("fails after as many attempts as retries allow", async () => {
    const { script, get } = alone(down, waiting({ retries: 2 }));
    expect(await inTime(errorOf(get()), 50)).toMatchObject({ code: "token_endpoint_unavailable" });
    // Three requests, and two probes.
    expect(script.times).toHaveLength(5);
  });

  it("fails at once where the next attempt comes after its deadline", async () => {
    const busy = () => new Response(null, { status: 503, headers: { "retry-after": "60" } });
    const { get } = alone(busy, waiting());
    expect(await inTime(errorOf(get()))).toMatchObject({ retryAfterMs: 60_000 });
  });

  it("fails at its deadline while the next attempt is under way", async () => {
    const { script, get } = alone((n) => (n <= 4 ? down() : "silence"), {
      ...waiting({ timeoutMs: 3_000, attemptTimeoutMs: 60_000 }),
    });
    const start = performance.now();
    expect(await inTime(errorOf(get()))).toMatchObject({ status: 503 });
    expect(script.times).toHaveLength(5);
    expect(performance.now() - start).toBeLessThan(3_010);
  });

  it("doesn't wait without retries", async () => {
    const { script, get } = alone(down, waiting({ retries: 0 }));
    await inTime(errorOf(get()));
    await inTime(errorOf(get()));
    expect(script.times).toHaveLength(1);
  });
});
