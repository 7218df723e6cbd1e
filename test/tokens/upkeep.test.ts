import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { TokenEndpointUnavailableError, TokenRequestRejectedError } from "../../src/errors.ts";
import { EndpointTokens } from "../../src/tokens/endpoint-tokens.ts";
import { ForcedRenewals } from "../../src/tokens/forced-renewals.ts";
import type { OneSecret } from "../../src/tokens/token-dependencies.ts";
import { TokenSet } from "../../src/tokens/token-set.ts";
import { RenewalPostponed, type TokenSource } from "../../src/tokens/token-source.ts";
import { parsedOAuth2 } from "../configuration/parsed.ts";
import { pass, settle, stopTime } from "./fake-time.ts";

const hour = 3_600_000;

/** Of an hour, stale for its last fifth. */
function tokenOf(accessToken: string, expiresAt = Date.now() + hour): TokenSet {
  const data = { accessToken, tokenType: "Bearer", issuedAt: expiresAt - hour, expiresAt };
  return new TokenSet(data, { skewMs: 0, staleMs: hour / 5 }, "token_endpoint");
}

const at = { endpoint: "another name", tokenUrl: "https://idp.test/token" };
const outage = () =>
  new TokenEndpointUnavailableError({ ...at, reason: "timeout", said: "is down" });
const unknownClient = () =>
  new TokenRequestRejectedError({ ...at, status: 401, error: "invalid_client" });

function tokensOf(more: object = {}) {
  const config = {
    name: "orders",
    grantType: "client_credentials",
    tokenUrl: "https://idp.test/token",
    clientId: "checkout",
    clientSecret: "secret",
    ...more,
  };
  let count = 0;
  const token = vi.fn<TokenSource["token"]>(async () => tokenOf(`token-${++count}`));
  const forget = vi.fn<TokenSource["forget"]>(async () => {});
  const resolve = vi.fn(async (_of: unknown, secret?: OneSecret) => ({
    identity: `identity-${secret?.which}`,
  }));
  const proofs = {};
  const of = vi.fn(async () => "key");
  const forced = new Map<string, ForcedRenewals>();
  const desk = {
    clock: systemClock,
    tracing: { tracer: undefined },
    forcedRenewalsOf(identity: string) {
      forced.set(identity, forced.get(identity) ?? new ForcedRenewals());
      return forced.get(identity);
    },
    source: { token, forget },
    resolve,
    dpopKeys: { of },
    dpopProofs: proofs,
  };
  const tokens = new EndpointTokens(parsedOAuth2(config), desk as never);
  return { tokens, token, forget, resolve, of, proofs };
}

beforeEach(() => {
  stopTime();
  vi.spyOn(Math, "random").mockReturnValue(0.25);
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("the current token", () => {
  test("is none at first, then what was obtained, fresh without another question", async () => {
    const { tokens, token } = tokensOf();
    expect(tokens.current()).toBeUndefined();
    expect((await tokens.token()).accessToken).toBe("token-1");
    expect(tokens.current()?.accessToken).toBe("token-1");
    expect(await tokens.token()).toBe(tokens.current());
    expect(token).toHaveBeenCalledExactlyOnceWith({ identity: "identity-undefined" }, undefined);
  });

  test("is renewed in the background when it is stale, once", async () => {
    const { tokens, token } = tokensOf();
    const { expiresAt } = await tokens.token();
    vi.advanceTimersByTime(hour * 0.8);
    expect([tokens.current(), tokens.current()].map((one) => one?.accessToken)).toEqual([
      "token-1",
      "token-1",
    ]);
    await settle();
    expect(tokens.current()?.accessToken).toBe("token-2");
    expect(token).toHaveBeenCalledTimes(2);
    const mayWaitUntil = expiresAt - hour / 10;
    expect(token.mock.calls[1]?.[1]).toEqual({
      reason: "expiring",
      accessToken: "token-1",
      expiresAt,
      mayWaitUntil,
    });
  });

  test("is asked for again where it has ended", async () => {
    const { tokens } = tokensOf();
    await tokens.token();
    vi.advanceTimersByTime(hour);
    expect(tokens.current()).toBeUndefined();
    expect((await tokens.token()).accessToken).toBe("token-2");
  });

  test.each([
    ["the same again", "token-1", 0, true],
    ["the same, two seconds longer", "token-1", 2_000, true],
    ["the same, for longer", "token-1", 2_001, false],
    ["another that ends as soon", "other", 0, false],
  ])("is kept to its end where its successor is %s: %s", async (_, accessToken, longerMs, kept) => {
    const { tokens, token } = tokensOf();
    const { expiresAt } = await tokens.token();
    vi.advanceTimersByTime(hour * 0.8);
    token.mockImplementation(async () => tokenOf(accessToken, expiresAt + longerMs));
    void tokens.current();
    await settle();
    expect(tokens.last?.isFreshAt(Date.now() + 3_000)).toBe(kept);
  });

  test("is renewed again after pauses that double, up to half a minute, while that fails", async () => {
    const { tokens, token } = tokensOf();
    await tokens.token();
    vi.advanceTimersByTime(hour * 0.8);
    token.mockImplementation(() => Promise.reject(outage()));
    const times: number[] = [];
    const start = performance.now();
    for (let step = 0; step < 520; step++) {
      const before = token.mock.calls.length;
      expect(tokens.current()?.accessToken).toBe("token-1");
      if (token.mock.calls.length === before) await Promise.resolve();
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      if (token.mock.calls.length > before) times.push(performance.now() - start);
      vi.advanceTimersByTime(250);
    }
    // Three quarters of 1, 2, 4, 8, 16, 30 and 30 s.
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(pauses.slice(0, 7)).toEqual([750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500]);
    expect(tokens.lastFailure?.error).toMatchObject({ endpoint: "orders" });
  });

  test("is renewed no later than it may wait, where that was postponed", async () => {
    const { tokens, token } = tokensOf();
    await tokens.token();
    // Half a second before the middle of the time for it.
    vi.advanceTimersByTime(hour * 0.9 - 500);
    token.mockImplementationOnce(() => Promise.reject(new RenewalPostponed()));
    void tokens.current();
    await settle();
    expect(tokens.lastFailure).toBeUndefined();
    vi.advanceTimersByTime(499);
    void tokens.current();
    await settle();
    expect(token).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(1);
    void tokens.current();
    await settle();
    expect(token).toHaveBeenCalledTimes(3);
  });
});

describe("a refused token", () => {
  test("is dropped and replaced, and what others brought meanwhile is taken", async () => {
    const { tokens, token } = tokensOf();
    const first = await tokens.token();
    expect((await tokens.token("token-1")).accessToken).toBe("token-2");
    expect(first.isDropped).toBe(true);
    expect((await tokens.token("token-1")).accessToken).toBe("token-2");
    expect(token.mock.calls.map(([, not]) => not)).toEqual([
      undefined,
      { reason: "rejected", accessToken: "token-1" },
    ]);
  });

  test.each([
    [{}, 5, 60_000],
    [{ renewal: { maxForcedRenewals: 2, forcedRenewalWindowMs: 1_000 } }, 2, 1_000],
  ])("is replaced this often within a window, and is kept then: %j", async (more, most, ms) => {
    const { tokens, token } = tokensOf(more);
    const refuse = async () => tokens.token((await tokens.token()).accessToken);
    for (let count = 0; count < most; count++) await refuse();
    await expect(refuse()).rejects.toMatchObject({
      code: "token_rejected",
      endpoint: "orders",
      message: expect.stringContaining(
        `issued ${most} tokens within ${ms} ms to replace rejected ones`,
      ),
    });
    expect(token).toHaveBeenCalledTimes(1 + most);
    expect(tokens.current()?.accessToken).toBe(`token-${most + 1}`);
    await pass(ms);
    await refuse();
    expect(token).toHaveBeenCalledTimes(2 + most);
  });

  test("counts no renewal that failed", async () => {
    const { tokens, token } = tokensOf({ renewal: { maxForcedRenewals: 1 } });
    await tokens.token();
    token.mockImplementationOnce(() => Promise.reject(outage()));
    await expect(tokens.token("token-1")).rejects.toMatchObject({ endpoint: "orders" });
    expect((await tokens.token("token-1")).accessToken).toBe("token-2");
    await expect(tokens.token("token-2")).rejects.toMatchObject({ code: "token_rejected" });
  });

  test("counts still after another was renewed ahead of time", async () => {
    const { tokens } = tokensOf({
      renewal: { maxForcedRenewals: 1, forcedRenewalWindowMs: 2 * hour },
    });
    await tokens.token();
    await tokens.token("token-1");
    vi.advanceTimersByTime(hour * 0.8);
    void tokens.current();
    await settle();
    expect(tokens.current()?.accessToken).toBe("token-3");
    await expect(tokens.token("token-3")).rejects.toMatchObject({ code: "token_rejected" });
  });
});

describe("the last failure", () => {
  test("is reported under the endpoint's own name, until a token comes", async () => {
    const { tokens, token } = tokensOf();
    expect(tokens.lastFailure).toBeUndefined();
    token.mockImplementationOnce(() => Promise.reject(outage()));
    await expect(tokens.token()).rejects.toMatchObject({ endpoint: "orders" });
    expect(tokens.lastFailure).toMatchObject({ at: Date.now(), error: { endpoint: "orders" } });
    await tokens.token();
    expect(tokens.lastFailure).toBeUndefined();
  });

  test("is none of somebody else's making", async () => {
    const { tokens, token } = tokensOf();
    const foreign = new Error("a mistake");
    token.mockImplementationOnce(() => Promise.reject(foreign));
    await expect(tokens.token()).rejects.toBe(foreign);
    expect(tokens.lastFailure).toBeUndefined();
  });
});

describe("of several secrets", () => {
  const secrets = { clientSecret: ["a", "b", "c"] };
  const asked = (resolve: { mock: { calls: unknown[][] } }) =>
    resolve.mock.calls.map(([, secret]) => (secret as OneSecret | undefined)?.which);

  test("the next is tried where the client is unknown, and the one that works is kept to", async () => {
    const { tokens, token, resolve } = tokensOf(secrets);
    token.mockImplementationOnce(() => Promise.reject(unknownClient()));
    await tokens.token();
    expect(asked(resolve)).toEqual([0, 0, 1]);
    resolve.mockClear();
    token.mockImplementation(() => Promise.reject(unknownClient()));
    await expect(tokens.token("token-1")).rejects.toMatchObject({ error: "invalid_client" });
    expect(asked(resolve)).toEqual([1, 1, 2, 0]);
    expect(token).toHaveBeenCalledTimes(5);
  });

  test("none other is tried on any other failure", async () => {
    const { tokens, token, resolve } = tokensOf(secrets);
    token.mockImplementationOnce(() => Promise.reject(outage()));
    await expect(tokens.token()).rejects.toMatchObject({ code: "token_endpoint_unavailable" });
    expect(asked(resolve)).toEqual([0]);
  });

  test("the one that works is kept to after a renewal ahead of time", async () => {
    const { tokens, token, resolve } = tokensOf(secrets);
    token.mockImplementationOnce(() => Promise.reject(unknownClient()));
    await tokens.token();
    vi.advanceTimersByTime(hour * 0.8);
    void tokens.current();
    await settle();
    resolve.mockClear();
    await tokens.token("token-2");
    expect(asked(resolve)).toEqual([1]);
  });
});

describe("an endpoint's tokens", () => {
  test("are forgotten, all or that one alone", async () => {
    const { tokens, forget } = tokensOf();
    const token = await tokens.token();
    await tokens.forget("another");
    expect(token.isDropped).toBe(false);
    await tokens.forget("token-1");
    expect(token.isDropped).toBe(true);
    const next = await tokens.token();
    await tokens.forget();
    expect(next.isDropped).toBe(true);
    expect(forget.mock.calls.map(([, only]) => only)).toEqual(["another", "token-1", undefined]);
  });

  test("are bound to a key where it says so", async () => {
    const { tokens, of, proofs } = tokensOf({ dpop: true });
    expect([tokens.isBound, tokensOf().tokens.isBound]).toEqual([true, false]);
    expect(await tokens.dpop()).toEqual({ key: "key", proofs });
    expect(of).toHaveBeenCalledExactlyOnceWith(true, "orders");
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const own = tokensOf({ dpop: privateKey });
    await own.tokens.dpop();
    expect(own.of).toHaveBeenCalledExactlyOnceWith(privateKey, "orders");
  });

  test("are waited for no longer than the caller wants", async () => {
    const { tokens, token } = tokensOf();
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(tokens.token(undefined, signal)).rejects.toThrow("enough");
    expect(token).not.toHaveBeenCalled();
    const controller = new AbortController();
    token.mockImplementation(() => new Promise(() => {}));
    const waiting = tokens.token(undefined, controller.signal);
    controller.abort(new Error("let go"));
    await expect(waiting).rejects.toThrow("let go");
  });
});
