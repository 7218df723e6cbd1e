import { beforeEach, describe, expect, test, vi } from "vitest";
import { plainEntries } from "../../src/cache/entry-codec.ts";
import { GuardedCache } from "../../src/cache/guarded-cache.ts";
import type { TokenCache } from "../../src/cache/token-cache.ts";
import { filled } from "../../src/configuration/option-table.ts";
import { tokenRequestOptions } from "../../src/configuration/token-request-options.ts";
import { ClientCertificates } from "../../src/credentials/client-certificate.ts";
import type { ResolvedEndpoint } from "../../src/endpoint/resolved-endpoint.ts";
import { DpopProofs } from "../../src/http/dpop-proofs.ts";
import { CachedTokens } from "../../src/tokens/cached-tokens.ts";
import { CoolDown } from "../../src/tokens/cool-down.ts";
import { ForcedRenewals } from "../../src/tokens/forced-renewals.ts";
import { MemorySource } from "../../src/tokens/memory-source.ts";
import { type Outage, SharedOutages } from "../../src/tokens/shared-outages.ts";
import { SharedSource } from "../../src/tokens/shared-source.ts";
import { SingleFlight } from "../../src/tokens/single-flight.ts";
import { TokenDependencies } from "../../src/tokens/token-dependencies.ts";
import { TokenSet } from "../../src/tokens/token-set.ts";
import {
  canReplace,
  RenewalPostponed,
  refreshTokenOf,
  type TokenSource,
} from "../../src/tokens/token-source.ts";
import { withAbort } from "../../src/waiting/with-abort.ts";
import { parsedOAuth2 } from "../configuration/parsed.ts";
import { pass, settle, stopTime } from "./fake-time.ts";

const hour = 3_600_000;

function tokenOf(accessToken: string, { lifeMs = hour, refresh = "" } = {}): TokenSet {
  const issuedAt = Date.now();
  const data = { accessToken, tokenType: "Bearer", issuedAt, expiresAt: issuedAt + lifeMs };
  const more = refresh === "" ? {} : { refresh: { token: refresh }, scope: "orders" };
  return new TokenSet({ ...data, ...more }, { skewMs: 0, staleMs: 0 }, "token_endpoint");
}

function endpointOf(settings: object = {}, identity = "an-identity") {
  const tokenRequest = filled(tokenRequestOptions, undefined);
  const all = { tokenUrl: "https://idp.test/token", tokenRequest, ...settings };
  return {
    identity,
    label: "orders",
    tokenUrl: "https://idp.test/token",
    settings: all,
  } as unknown as ResolvedEndpoint;
}

const rejected = (accessToken: string) => ({ reason: "rejected", accessToken }) as const;
const expiring = (accessToken: string, expiresAt: number, mayWaitUntil = 0) =>
  ({ reason: "expiring", accessToken, expiresAt, mayWaitUntil }) as const;

/** A source that gives `token-1`, `token-2`, … */
function counting() {
  let count = 0;
  const token = vi.fn<TokenSource["token"]>(async () => tokenOf(`token-${++count}`));
  const forget = vi.fn<TokenSource["forget"]>(async () => {});
  return { token, forget };
}

const isOutage = (_value: unknown): _value is Outage => false;
const isToken = (value: unknown): value is TokenSet => value instanceof TokenSet;

function cached(
  leases?: TokenCache["leases"],
  kind: "memory" | "shared" = "memory",
  names?: readonly string[],
) {
  const map = new Map<string, unknown>();
  const cache = {
    get: vi.fn(async (key: string) => map.get(key)),
    set: vi.fn(async (key: string, value: unknown, _ttlMs: number) => map.set(key, value)),
    delete: vi.fn(async (key: string) => map.delete(key)),
    leases,
  };
  const guard = new GuardedCache(cache, 250, () => {});
  const next = counting();
  const entries = plainEntries(isToken);
  const read = vi.spyOn(entries, "read");
  if (names !== undefined) entries.names = async () => names;
  const tokens = new CachedTokens(guard, entries);
  const ofOutages = plainEntries(isOutage);
  ofOutages.names = async () => ["an-outage"];
  const outages = new SharedOutages(guard, ofOutages);
  const coolDown = new CoolDown();
  const shared = new SharedSource(next, { cache: guard, tokens, outages, coolDown });
  return {
    source: kind === "memory" ? new MemorySource(next, tokens) : shared,
    next,
    map,
    cache,
    guard,
    read,
  };
}

beforeEach(() => {
  stopTime();
});

describe("a wait that others share", () => {
  test("ends for the caller that aborts, with the reason, and for nobody else", async () => {
    const controller = new AbortController();
    const shared = deferred<string>();
    const mine = withAbort(shared.promise, controller.signal);
    const theirs = withAbort(shared.promise);
    controller.abort(new Error("enough"));
    await expect(mine).rejects.toThrow("enough");
    shared.resolve("done");
    expect(await theirs).toBe("done");
  });

  test("listens no longer than it lasts", async () => {
    const { signal } = new AbortController();
    const [add, remove] = [
      vi.spyOn(signal, "addEventListener"),
      vi.spyOn(signal, "removeEventListener"),
    ];
    expect(await withAbort(Promise.resolve(1), signal)).toBe(1);
    await expect(withAbort(Promise.reject(new Error("no")), signal)).rejects.toThrow("no");
    expect(add).toHaveBeenCalledTimes(2);
    expect(remove.mock.calls.map(([name, listener]) => [name, listener])).toEqual(
      add.mock.calls.map(([name, listener]) => [name, listener]),
    );
    expect(add).toHaveBeenCalledWith("abort", expect.any(Function), { once: true });
  });
});

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

describe("one token takes the place of another", () => {
  test("where it is usable, another, and good for longer than one that is but old", () => {
    const token = tokenOf("a");
    const { expiresAt } = token;
    expect(canReplace(token, undefined, Date.now())).toBe(true);
    expect(canReplace(token, rejected("a"), Date.now())).toBe(false);
    expect(canReplace(token, rejected("b"), Date.now())).toBe(true);
    expect(canReplace(token, expiring("b", expiresAt), Date.now())).toBe(false);
    expect(canReplace(token, expiring("b", expiresAt - 1), Date.now())).toBe(true);
    token.drop();
    expect(canReplace(token, undefined, Date.now())).toBe(false);
  });

  test("by what is held in it, where it has a refresh token", () => {
    expect(refreshTokenOf(undefined, Date.now())).toBeUndefined();
    expect(refreshTokenOf(tokenOf("a"), Date.now())).toBeUndefined();
    const newer = async () => undefined;
    expect(refreshTokenOf(tokenOf("a", { refresh: "r" }), Date.now(), { newer })).toEqual({
      refresh: { token: "r" },
      scope: "orders",
      newer,
    });
  });
});

describe("renewals that backends force", () => {
  const limits = { most: 2, windowMs: 1_000 };

  test("are so many within a window, and the next when it has moved on", () => {
    const forced = new ForcedRenewals();
    forced.begin("a", limits)?.(true);
    vi.advanceTimersByTime(400);
    forced.begin("b", limits)?.(true);
    expect([forced.count, forced.begin("c", limits)]).toEqual([2, undefined]);
    vi.advanceTimersByTime(599);
    expect(forced.begin("c", limits)).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(forced.begin("c", limits)).toBeTypeOf("function");
    expect(forced.count).toBe(2);
  });

  test("count once for all who have the same token refused at once", () => {
    const forced = new ForcedRenewals();
    const over = [1, 2, 3].map(() => forced.begin("a", limits));
    expect(forced.count).toBe(1);
    for (const end of over) end?.(true);
    forced.begin("a", limits);
    expect(forced.count).toBe(2);
  });

  test("count as long as they last, and not at all where they brought nothing", () => {
    const forced = new ForcedRenewals();
    const [slow, other] = [forced.begin("a", limits), forced.begin("b", limits)];
    vi.advanceTimersByTime(5_000);
    expect(forced.begin("c", limits)).toBeUndefined();
    slow?.(false);
    expect(forced.count).toBe(1);
    other?.(true);
    forced.begin("c", limits);
    expect(forced.count).toBe(1);
  });
});

describe("a memory of tokens", () => {
  test("asks once, and keeps the token to its end", async () => {
    const { source, next, cache } = cached();
    const token = await source.token(endpointOf());
    expect(await source.token(endpointOf())).toBe(token);
    expect(next.token).toHaveBeenCalledTimes(1);
    expect(cache.set).toHaveBeenCalledExactlyOnceWith("an-identity", token, hour);
  });

  test("asks for another where its own is not wanted, with what is held in it", async () => {
    const { source, next, map } = cached();
    map.set("an-identity", tokenOf("old", { refresh: "r" }));
    const not = rejected("old");
    expect((await source.token(endpointOf(), not)).accessToken).toBe("token-1");
    const held = { refresh: { token: "r" }, scope: "orders", newer: undefined };
    expect(next.token).toHaveBeenCalledExactlyOnceWith(endpointOf(), not, held);
    expect((await source.token(endpointOf())).accessToken).toBe("token-1");
  });

  test("passes on that a token was dropped, and nothing of one that expired", async () => {
    const { source, next, map } = cached();
    const dropped = tokenOf("dropped");
    dropped.drop();
    map.set("an-identity", dropped);
    await source.token(endpointOf());
    expect(next.token.mock.calls[0]?.[1]).toEqual(rejected("dropped"));
    map.set("an-identity", tokenOf("ended", { lifeMs: 0 }));
    await source.token(endpointOf());
    expect(next.token.mock.calls[1]?.[1]).toBeUndefined();
  });

  test("forgets its token, or that one alone, and has the next forget it", async () => {
    const { source, next, map } = cached();
    const token = await source.token(endpointOf());
    await source.forget(endpointOf(), "another");
    expect([map.size, token.isDropped]).toEqual([1, false]);
    await source.forget(endpointOf(), "token-1");
    expect([map.size, token.isDropped]).toEqual([0, true]);
    await source.token(endpointOf());
    await source.forget(endpointOf());
    expect(map.size).toBe(0);
    await source.forget(endpointOf());
    expect(next.forget.mock.calls.map(([, only]) => only)).toEqual([
      "another",
      "token-1",
      undefined,
      undefined,
    ]);
  });

  test("takes what it can't read for nothing, and null, too", async () => {
    const { source, map, guard } = cached();
    const unusable = vi.spyOn(guard, "unusable");
    map.set("an-identity", null);
    await source.token(endpointOf());
    expect(unusable).not.toHaveBeenCalled();
    map.set("an-identity", "rubbish");
    expect((await source.token(endpointOf())).accessToken).toBe("token-2");
    expect(unusable).toHaveBeenCalledExactlyOnceWith("an-identity");
  });
});

describe("one of many callers", () => {
  test("asks, and all have the answer, for each identity", async () => {
    const next = counting();
    const flight = new SingleFlight(next, new CoolDown());
    const calls = ["a", "a", "b", "a"].map((identity) => flight.token(endpointOf({}, identity)));
    const tokens = (await Promise.all(calls)).map(({ accessToken }) => accessToken);
    expect(tokens).toEqual(["token-1", "token-1", "token-2", "token-1"]);
    await flight.token(endpointOf({}, "a"));
    expect(next.token).toHaveBeenCalledTimes(3);
  });

  test("asks again where others' answer was the token that it doesn't want", async () => {
    const next = counting();
    const flight = new SingleFlight(next, new CoolDown());
    const not = rejected("token-1");
    const [one, other] = await Promise.all([
      flight.token(endpointOf()),
      flight.token(endpointOf(), not),
    ]);
    expect([one.accessToken, other.accessToken]).toEqual(["token-1", "token-2"]);
    expect(next.token.mock.calls.map(([, unwanted]) => unwanted)).toEqual([undefined, not]);
  });

  test("asks again where the answer was dropped on its way", async () => {
    const next = counting();
    next.token.mockImplementationOnce(async () => {
      const token = tokenOf("dropped");
      token.drop();
      return token;
    });
    expect((await new SingleFlight(next, new CoolDown()).token(endpointOf())).accessToken).toBe(
      "token-1",
    );
  });

  test("fails where the rejected token is issued again, and accepts an expiring one", async () => {
    const next = counting();
    const flight = new SingleFlight(next, new CoolDown());
    next.token.mockImplementation(async () => tokenOf("same"));
    await expect(flight.token(endpointOf(), rejected("same"))).rejects.toMatchObject({
      code: "token_rejected",
      endpoint: "orders",
      message: expect.stringContaining("issued the token again that the backend rejected"),
    });
    expect(next.token).toHaveBeenCalledTimes(1);
    const old = expiring("same", Date.now());
    expect((await flight.token(endpointOf(), old)).accessToken).toBe("same");
  });

  test("that can't wait requests again where another caller's renewal was postponed", async () => {
    const next = counting();
    const flight = new SingleFlight(next, new CoolDown());
    next.token.mockRejectedValueOnce(new RenewalPostponed());
    const ahead = expiring("x", 1, 2);
    const [putOff, urgent] = await Promise.allSettled([
      flight.token(endpointOf(), ahead),
      flight.token(endpointOf()),
    ]);
    expect(putOff).toMatchObject({ status: "rejected", reason: expect.any(RenewalPostponed) });
    expect(urgent).toMatchObject({ status: "fulfilled" });
    next.token.mockRejectedValueOnce(new Error("down"));
    await expect(flight.token(endpointOf())).rejects.toThrow("down");
  });

  test("forgets for all", async () => {
    const next = counting();
    await new SingleFlight(next, new CoolDown()).forget(endpointOf(), "a");
    expect(next.forget).toHaveBeenCalledExactlyOnceWith(endpointOf(), "a");
  });
});

describe("a cache that processes share", () => {
  const leasesOf = (acquire: () => Promise<boolean>) => ({
    acquire: vi.fn(acquire),
    extend: vi.fn(async () => true),
    release: vi.fn(async () => undefined),
  });

  test("has one ask under a lease, which is free once the token is there", async () => {
    const leases = leasesOf(async () => true);
    const { source, next, map, guard } = cached(leases, "shared");
    leases.release.mockImplementation(async () => void expect(map.size).toBe(1));
    expect((await source.token(endpointOf())).accessToken).toBe("token-1");
    await guard.settled();
    expect(leases.acquire.mock.calls.map(([name]: unknown[]) => name)).toEqual([
      "an-identity:lease",
    ]);
    expect(leases.release).toHaveBeenCalledTimes(1);
    expect((await source.token(endpointOf())).accessToken).toBe("token-1");
    expect(next.token).toHaveBeenCalledTimes(1);
  });

  test("frees the lease where no token came", async () => {
    const leases = leasesOf(async () => true);
    const { source, next, guard } = cached(leases, "shared");
    next.token.mockRejectedValueOnce(new Error("down"));
    await expect(source.token(endpointOf())).rejects.toThrow("down");
    await guard.settled();
    expect(leases.release).toHaveBeenCalledTimes(1);
  });

  test("has the others wait for the token to appear", async () => {
    const { source, next, map } = cached(
      leasesOf(async () => false),
      "shared",
    );
    const waiting = source.token(endpointOf());
    await pass(100);
    map.set("an-identity", tokenOf("theirs"));
    await pass(400);
    expect((await waiting).accessToken).toBe("theirs");
    expect(next.token).not.toHaveBeenCalled();
  });

  test("has a caller that waited for more than half of the deadline request for itself", async () => {
    const { source, next } = cached(
      leasesOf(async () => false),
      "shared",
    );
    let over = false;
    const waiting = source.token(endpointOf({ tokenRequest: { timeoutMs: 4_000 } })).then(() => {
      over = true;
    });
    for (let step = 0; step < 19; step++) await pass(100);
    expect(over).toBe(false);
    for (let step = 0; step < 20; step++) await pass(100);
    await waiting;
    expect(next.token).toHaveBeenCalledTimes(1);
  });

  test("keeps out of it where a token is bound to this process", async () => {
    const { source, cache, next } = cached(undefined, "shared");
    await source.token(endpointOf({ dpop: true }));
    expect(cache.get).not.toHaveBeenCalled();
    expect(cache.set).not.toHaveBeenCalled();
    expect(next.token).toHaveBeenCalledTimes(1);
  });

  test("never brings back what a backend refused, though it takes no writes", async () => {
    const { source, cache } = cached(undefined, "shared");
    cache.get.mockImplementation(async () => tokenOf("refused"));
    expect((await source.token(endpointOf())).accessToken).toBe("refused");
    await source.token(endpointOf(), rejected("refused"));
    expect((await source.token(endpointOf())).accessToken).toBe("token-2");
  });

  test("has a refresh token used under the lease alone", async () => {
    const withLeases = cached(
      leasesOf(async () => true),
      "shared",
    );
    const without = cached(undefined, "shared");
    const not = rejected("old");
    for (const { source, map, next } of [withLeases, without]) {
      map.set("an-identity", tokenOf("old", { refresh: "r" }));
      await source.token(endpointOf(), not, { refresh: { token: "of-memory" }, scope: undefined });
      expect(next.token).toHaveBeenCalledTimes(1);
    }
    const held = withLeases.next.token.mock.calls[0]?.[2];
    expect(held?.refresh).toEqual({ token: "r" });
    withLeases.map.set("an-identity", tokenOf("newer"));
    expect((await held?.newer?.())?.accessToken).toBe("newer");
    expect(without.next.token.mock.calls[0]?.[2]).toBeUndefined();
  });

  test("in trouble has a renewal ahead of time wait, and no other", async () => {
    const { source, cache, next } = cached(
      leasesOf(async () => true),
      "shared",
    );
    cache.get.mockRejectedValue(new Error("down"));
    const mayWaitUntil = Date.now() + 1_000;
    const ahead = expiring("x", 1, mayWaitUntil);
    await expect(source.token(endpointOf(), ahead)).rejects.toBeInstanceOf(RenewalPostponed);
    expect((await source.token(endpointOf(), rejected("x"))).accessToken).toBe("token-1");
    await pass(1_000);
    expect((await source.token(endpointOf(), ahead)).accessToken).toBe("token-2");
    expect(next.token).toHaveBeenCalledTimes(2);
  });

  test("that can't say who has the lease has everybody ask", async () => {
    const { source, next } = cached(
      leasesOf(async () => Promise.reject(new Error("down"))),
      "shared",
    );
    expect((await source.token(endpointOf())).accessToken).toBe("token-1");
    expect(next.token).toHaveBeenCalledTimes(1);
  });

  test("forgets after what is being written", async () => {
    const { source, cache, map } = cached(undefined, "shared");
    const written = deferred<void>();
    cache.set.mockImplementationOnce(async (key, value) => {
      await written.promise;
      return map.set(key, value);
    });
    await source.token(endpointOf());
    const forgotten = source.forget(endpointOf());
    await settle();
    written.resolve();
    await forgotten;
    expect(map.size).toBe(0);
  });
});

describe("under one of several names", () => {
  const names = ["z", "a"];

  test("a token is found, and written under the first", async () => {
    const { source, map, next, read } = cached(undefined, "memory", names);
    map.set("a", tokenOf("other"));
    expect((await source.token(endpointOf())).accessToken).toBe("other");
    expect(read).toHaveBeenCalledExactlyOnceWith(endpointOf(), map.get("a"), {
      name: 1,
      clockLeadMs: 0,
    });
    map.clear();
    await source.token(endpointOf());
    expect([...map.keys()]).toEqual(["z"]);
    expect(next.token).toHaveBeenCalledTimes(1);
  });

  test("the newest token is found, also behind one that can't be read", async () => {
    const { source, map, cache } = cached(undefined, "memory", names);
    map.set("z", "rubbish").set("a", tokenOf("other"));
    expect((await source.token(endpointOf())).accessToken).toBe("other");
    map.set("z", tokenOf("newer", { lifeMs: 1_000_000 }));
    cache.get.mockClear();
    expect((await source.token(endpointOf())).accessToken).toBe("newer");
    expect(cache.get).toHaveBeenCalledTimes(2);
  });

  test("a token is found that is good for something, and not the first that isn't", async () => {
    const { source, map, next } = cached(undefined, "shared", names);
    map.set("z", tokenOf("refused")).set("a", tokenOf("other"));
    const not = rejected("refused");
    expect((await source.token(endpointOf(), not)).accessToken).toBe("other");
    expect(next.token).not.toHaveBeenCalled();
  });

  test("nobody looks again who waited in vain", async () => {
    const { source, cache } = cached(undefined, "memory", names);
    cache.get.mockRejectedValue(new Error("down"));
    await source.token(endpointOf());
    expect(cache.get).toHaveBeenCalledTimes(1);
  });

  test("the lease has the same name, in whatever order they stand", async () => {
    for (const order of [names, [...names].reverse()]) {
      const acquire = vi.fn(async () => true);
      const leases = { acquire, extend: async () => true, release: async () => undefined };
      await cached(leases, "shared", order).source.token(endpointOf());
      expect(acquire.mock.calls.map(([name]: unknown[]) => name)).toEqual(["an-identity:lease"]);
    }
  });
});

describe("a token in a shared cache", () => {
  test("that is but getting old is not refused: others may have it again", async () => {
    const { source, map, guard } = cached(undefined, "shared");
    const old = tokenOf("old");
    map.set("an-identity", old);
    await source.token(endpointOf(), expiring("old", old.expiresAt));
    await guard.settled();
    map.set("an-identity", old);
    expect((await source.token(endpointOf())).accessToken).toBe("old");
  });

  test("that came between the first look and the lease is taken", async () => {
    const leases = {
      acquire: vi.fn(async () => map.set("an-identity", tokenOf("theirs")) !== undefined),
      extend: async () => true,
      release: vi.fn(async () => undefined),
    };
    const { source, next, map, guard } = cached(leases, "shared");
    expect((await source.token(endpointOf())).accessToken).toBe("theirs");
    await guard.settled();
    expect(next.token).not.toHaveBeenCalled();
    expect(leases.release).toHaveBeenCalledTimes(1);
  });

  describe("is looked for while another process requests it:", () => {
    /** The moments of the looks after the first, in milliseconds, until the token is there. */
    async function looks(shared: ReturnType<typeof cached>, appearsAfterMs: number) {
      vi.spyOn(Math, "random").mockReturnValue(0.5);
      const start = performance.now();
      const times: number[] = [];
      shared.cache.get.mockImplementation(async (key) => {
        // Not the looks for an outage.
        if (key === "an-identity") times.push(Math.round(performance.now() - start));
        return shared.map.get(key);
      });
      const waiting = shared.source.token(endpointOf({ tokenRequest: { timeoutMs: 60_000 } }));
      while (performance.now() - start < appearsAfterMs) await pass(1);
      const token = tokenOf("of another process");
      shared.map.set("an-identity", token);
      for (let ms = 0; ms < 300; ms++) await pass(1);
      expect(await waiting).toBe(token);
      vi.restoreAllMocks();
      token.drop();
      return times.slice(1);
    }
    const taken = () => {
      const acquire = vi.fn(async () => false);
      return { acquire, extend: async () => true, release: async () => undefined };
    };

    test("at intervals that grow with the time waited, up to a quarter of a second", async () => {
      const times = await looks(cached(taken(), "shared"), 1_500);
      const pauses = times.map((time, index) => time - (times[index - 1] ?? 0));
      expect(pauses).toEqual([
        30, 12, 12, 16, 21, 27, 35, 45, 59, 77, 100, 130, 169, 219, 250, 250, 250,
      ]);
    });

    test("the next time first when it took that long before", async () => {
      const shared = cached(taken(), "shared");
      const before = await looks(shared, 150);
      const [first, second] = await looks(shared, 190);
      expect([first, second]).toEqual([before.at(-1), 198]);
    });

    test("for no more than three quarters of timeoutMs, and then requested", async () => {
      vi.spyOn(Math, "random").mockReturnValue(0.99);
      const { source, next } = cached(taken(), "shared");
      const waiting = source.token(endpointOf({ tokenRequest: { timeoutMs: 700 } }));
      const start = performance.now();
      while (next.token.mock.calls.length === 0) await pass(1);
      // And the rest of the pause in which that time ran out.
      expect(performance.now() - start).toBeLessThan(700);
      vi.restoreAllMocks();
      await waiting;
    });

    test("and the lease is tried again after every third look", async () => {
      const leases = taken();
      const times = await looks(cached(leases, "shared"), 1_500);
      expect(leases.acquire).toHaveBeenCalledTimes(1 + Math.floor((times.length - 1) / 3));
    });
  });
});

describe("the endpoints of an instance", () => {
  test("have their credentials read once for a thousand callers, and apart for each secret", async () => {
    const dependencies = new TokenDependencies(counting(), {
      dpopProofs: new DpopProofs(),
      clientCertificates: new ClientCertificates(),
    });
    const [first, second] = [vi.fn(async () => "first"), vi.fn(async () => "second")];
    const endpoint = parsedOAuth2({
      grantType: "client_credentials",
      tokenUrl: "https://idp.test/token",
      clientId: "checkout",
      clientSecret: [first, second],
    });
    const secrets = [{ which: 0 }, { which: 1 }];
    await Promise.all([dependencies.resolve(endpoint), dependencies.resolve(endpoint)]);
    expect([first, second].map(({ mock }) => mock.calls.length)).toEqual([1, 0]);
    await Promise.all(
      secrets.flatMap((secret) => [
        dependencies.resolve(endpoint, secret),
        dependencies.resolve(endpoint, secret),
      ]),
    );
    expect([first, second].map(({ mock }) => mock.calls.length)).toEqual([2, 1]);
  });
});
