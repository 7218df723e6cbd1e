import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type AnyEndpointSecurityError,
  ConfigurationError,
  InvalidTokenResponseError,
  SecretUnavailableError,
  TokenEndpointUnavailableError,
  TokenRequestRejectedError,
} from "../../src/errors.ts";
import { CoolDown } from "../../src/tokens/cool-down.ts";
import { withRetries } from "../../src/tokens/retries.ts";
import { TokenSet } from "../../src/tokens/token-set.ts";
import { pass, settle, stopTime } from "./fake-time.ts";

const at = { endpoint: "orders", tokenUrl: "https://idp.test/token" };
const outage = (retryAfterMs?: number) =>
  new TokenEndpointUnavailableError({
    ...at,
    reason: "status",
    said: "is down",
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
const refusal = (status: number, error?: string) =>
  new TokenRequestRejectedError({ ...at, status, error });

beforeEach(() => {
  stopTime();
  // A clock that has run for a while.
  vi.advanceTimersByTime(1_000_000);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** For how long a failure is remembered, in milliseconds. */
function pauseAfter(error: AnyEndpointSecurityError, firstMs = 1_000, coolDown = new CoolDown()) {
  // Without jitter.
  vi.spyOn(Math, "random").mockReturnValue(0);
  coolDown.failed("a", error, firstMs);
  const start = performance.now();
  while (coolDown.errorFor("a") !== undefined) vi.advanceTimersByTime(100);
  return performance.now() - start;
}

describe("after a failed token request nobody asks", () => {
  test.each<[string, AnyEndpointSecurityError, number]>([
    ["for a second after an outage", outage(), 1_000],
    ["for as long as the server asked for", outage(5_000), 5_000],
    ["for a second, though the server asked for less", outage(500), 1_000],
    ["for 15 minutes at most", outage(10_000_000), 900_000],
    [
      "for a second after an answer that was none",
      new InvalidTokenResponseError({ ...at, said: "x" }),
      1_000,
    ],
    ["for ten seconds where the client is refused", refusal(400, "invalid_client"), 10_000],
    ["for ten seconds where the grant is refused", refusal(400, "invalid_grant"), 10_000],
    ["for ten seconds where the client may not ask", refusal(400, "unauthorized_client"), 10_000],
    ["for a second where the scope is refused", refusal(400, "invalid_scope"), 1_000],
    ["for a second where the scope is refused with 401", refusal(401, "invalid_scope"), 1_000],
    ["for ten seconds on a 401 that says nothing", refusal(401), 10_000],
    ["for ten seconds on a 403 that says nothing", refusal(403), 10_000],
    ["for a second on a 400 that says nothing", refusal(400), 1_000],
    ["no moment after a mistake here", new ConfigurationError({ problems: [] }), 0],
    ["no moment without a secret", new SecretUnavailableError({ field: "a", reason: "threw" }), 0],
  ])("%s", (_, error, expected) => {
    expect(pauseAfter(error)).toBe(expected);
  });

  test("for as long as coolDownMs says, also where credentials are refused", () => {
    expect(pauseAfter(outage(), 5_000)).toBe(5_000);
    expect(pauseAfter(outage(), 0)).toBe(0);
    expect(pauseAfter(refusal(401), 20_000)).toBe(20_000);
    expect(pauseAfter(refusal(401), 0)).toBe(0);
  });

  test("for longer with each rejection, within its bounds, and for a second in an outage", () => {
    const coolDown = new CoolDown();
    const outages = Array.from({ length: 7 }, () => pauseAfter(outage(), 1_000, coolDown));
    expect(new Set(outages)).toEqual(new Set([1_000]));
    const rejections = Array.from({ length: 7 }, () => pauseAfter(refusal(401), 1_000, coolDown));
    expect(rejections).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
    expect(pauseAfter(outage(), 1_000, coolDown)).toBe(1_000);
    expect(pauseAfter(refusal(401), 1_000, coolDown)).toBe(300_000);
    coolDown.succeeded("a");
    expect(coolDown.errorFor("a")).toBeUndefined();
    expect(pauseAfter(outage(), 1_000, coolDown)).toBe(1_000);
  });

  test("for the same token, and others do", () => {
    const coolDown = new CoolDown();
    const error = refusal(401);
    coolDown.failed("a", error, 1_000);
    expect(coolDown.errorFor("a")).toMatchObject({ code: error.code, repeated: true });
    expect(coolDown.errorFor("b")).toBeUndefined();
  });

  test("and the error says how long is left to wait", () => {
    const coolDown = new CoolDown();
    coolDown.failed("a", outage(60_000), 1_000);
    vi.advanceTimersByTime(20_000);
    expect(coolDown.errorFor("a")).toMatchObject({ retryAfterMs: 40_000 });
  });
});

describe("a token request is tried again", () => {
  const limits = { timeoutMs: 1_000, attemptTimeoutMs: 400, retries: 2 };

  /** When each attempt began, in milliseconds, and how it ended. */
  async function tried(
    attempt: (count: number) => Promise<string>,
    given: Partial<typeof limits> = {},
  ) {
    const start = performance.now();
    const times: number[] = [];
    const late: number[] = [];
    const all = withRetries(
      { ...limits, ...given },
      () => attempt(times.push(performance.now() - start)),
      (ms) => {
        late.push(ms);
        return outage();
      },
    ).then(
      (value) => value,
      (error: unknown) => error,
    );
    for (let step = 0; step < 30; step++) await pass(100);
    return { times, late, end: await all };
  }

  test("after pauses that grow, by chance", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.8);
    const { times, end } = await tried(async (count) => {
      if (count < 3) throw outage();
      return "done";
    });
    expect(times).toEqual([0, 200, 600]);
    expect(end).toBe("done");
    vi.restoreAllMocks();
  });

  test("as often as it may be, and whatever else is final", async () => {
    const fail = (error: Error) => tried(() => Promise.reject(error));
    vi.spyOn(Math, "random").mockReturnValue(0);
    const down = outage();
    const { times, end } = await fail(down);
    expect([times.length, end]).toEqual([3, down]);
    const refused = refusal(400);
    expect(await fail(refused)).toMatchObject({ times: [0], end: refused });
    vi.restoreAllMocks();
  });

  test("when the server said, and not at all where that is too late", async () => {
    const wait = (ms: number) =>
      tried(async (count) => {
        if (count === 1) throw outage(ms);
        return "done";
      });
    expect(await wait(999)).toMatchObject({ times: [0, 999], end: "done" });
    expect(await wait(1_000)).toMatchObject({ times: [0], end: { retryAfterMs: 1_000 } });
  });

  test("where an attempt is too late, up to the deadline of all together", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    const { times, late } = await tried(() => new Promise(() => {}), { retries: 9 });
    expect(times).toEqual([0, 400, 800]);
    expect(late).toEqual([400, 400, 1_000]);
    vi.restoreAllMocks();
  });

  test("not where one attempt takes all the time there is", async () => {
    const { times, late } = await tried(() => new Promise(() => {}), { attemptTimeoutMs: 1_000 });
    expect(times).toEqual([0]);
    expect(late).toEqual([1_000]);
    await settle();
  });
});

describe("a token", () => {
  const now = () => Date.now();
  const made = (more: object = {}, spans = { skewMs: 0, staleMs: 0 }) =>
    new TokenSet(
      {
        accessToken: "a b",
        tokenType: "Bearer",
        issuedAt: now(),
        expiresAt: now() + 60_000,
        ...more,
      },
      spans,
      "cache",
    );

  test("reports what is known of it, and not itself", () => {
    const token = made({ scope: "orders", issuedTokenType: "urn:a" });
    expect(JSON.parse(JSON.stringify(token))).toEqual({
      tokenType: "Bearer",
      issuedTokenType: "urn:a",
      issuedAt: now(),
      expiresAt: now() + 60_000,
      scope: "orders",
      source: "cache",
    });
    expect([token.accessToken, token.authorization]).toEqual(["a b", "Bearer a b"]);
  });

  test("that is no access token fits no header", () => {
    const token = made({ tokenType: "N_A" });
    expect([token.accessToken, token.tokenType]).toEqual(["a b", "N_A"]);
    expect(() => token.authorization).toThrow(
      expect.objectContaining({
        problems: [
          {
            path: "requestedTokenType",
            problem: expect.stringContaining("N_A"),
            fix: expect.stringContaining("getToken"),
          },
        ],
      }),
    );
  });

  test("keeps what few tokens have, a refresh_in of 0 among them", () => {
    expect(made({ refreshInMs: 0 }).refreshInMs).toBe(0);
    expect(made({ issuedTokenType: "urn:a" }).issuedTokenType).toBe("urn:a");
    expect(made().refreshInMs).toBeUndefined();
  });

  test("has a refresh token as long as that is good, and is kept for it", () => {
    const ends = (expiresAt?: number) => made({ refresh: { token: "r", expiresAt } });
    expect(made().keptUntil).toBe(now() + 60_000);
    expect(ends(now() + 90_000).keptUntil).toBe(now() + 90_000);
    expect(ends(now() + 30_000).keptUntil).toBe(now() + 60_000);
    expect(ends().keptUntil).toBe(now() + 60_000 + 86_400_000);
    const token = ends(now() + 100);
    vi.advanceTimersByTime(99);
    expect(token.refreshAt(now())).toEqual({ token: "r", expiresAt: now() + 1 });
    vi.advanceTimersByTime(1);
    expect(token.refreshAt(now())).toBeUndefined();
  });

  test("is sent by nobody once it is dropped, and to its end where it is kept", () => {
    const [dropped, kept] = [1, 2].map(() => made({}, { skewMs: 5_000, staleMs: 20_000 }));
    dropped?.drop();
    kept?.keep();
    expect([dropped?.isDropped, dropped?.isUsable]).toEqual([true, false]);
    expect([kept?.isDropped, kept?.isUsable]).toEqual([false, true]);
    expect(kept?.freshUntil).toBe(now() + 55_000);
  });

  test("from the future is good for nothing, beyond what clocks differ by", () => {
    const token = made();
    const { issuedAt } = token;
    for (const [moment, expected] of [
      [issuedAt - 60_000, true],
      [issuedAt - 60_001, false],
    ] as const) {
      expect([token.isUsableAt(moment), token.isFreshAt(moment)]).toEqual([expected, expected]);
    }
  });
});
