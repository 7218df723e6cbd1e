import { EndpointSecurity } from "endpoint-security";
import fc from "fast-check";
import Keyv from "keyv";
import { describe, expect, test, vi } from "vitest";
import { pass, scriptedFetch, stopTime, token } from "./fake-time.ts";
import { checkout } from "./token-endpoint.ts";

const tokenUrl = "https://idp.example.test/token";
const second = 1_000;
const year = 365 * 86_400 * second;
/** What clocks may differ by without a token being given up. */
const tolerance = 60 * second;

/** An instance with a token of an hour at hand. */
async function start(more: object = {}, expires_in = 3600) {
  stopTime();
  const script = scriptedFetch((n) => token(n, { expires_in }));
  const cache = new Keyv();
  const written = vi.spyOn(cache.store as Map<string, unknown>, "set");
  /** Writes happen behind the callers' backs, and take real time. */
  const haveWritten = async (times: number) => {
    while (written.mock.calls.length < times) await new Promise((next) => setImmediate(next));
  };
  const security = new EndpointSecurity({ fetch: script.fetch, cache });
  const endpoint = checkout(tokenUrl, more);
  const get = async () => (await security.getToken(endpoint)).accessToken;
  expect(await get()).toBe("token-1");
  await haveWritten(1);
  return { script, security, endpoint, get, haveWritten };
}

/** The wall clock is put right, or wrong; time itself goes on as before. */
function jump(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

test("a wall clock that jumps ahead makes the token expired, and the call asks", async () => {
  const { get } = await start();
  jump(3_600 * second);
  expect(await get()).toBe("token-2");
});

describe("a token is never kept for ever when the clock jumps back", () => {
  test.each([
    ["half an hour", 1_800 * second],
    ["a little more than clocks may differ by", tolerance + 1],
    ["thirty years", 30 * year],
  ])("by %s: the next call asks, and the new token lives by the new clock", async (_what, ms) => {
    const { script, get, haveWritten } = await start({ renewal: { refreshAhead: false } });
    jump(-ms);
    expect(await get()).toBe("token-2");
    await haveWritten(2);
    await pass(3_569 * second);
    expect(await get()).toBe("token-2");
    await pass(second);
    expect(await get()).toBe("token-3");
    expect(script.times).toHaveLength(3);
  });

  test("by as little as clocks are put right by now and then: it is kept, and costs nothing", async () => {
    const { script, get } = await start({ renewal: { refreshAhead: false } });
    jump(-tolerance);
    expect(await get()).toBe("token-1");
    expect(script.times).toHaveLength(1);
  });

  test("nor is it there for another process to find in the cache", async () => {
    stopTime();
    const cache = new Keyv();
    const script = scriptedFetch();
    const endpoint = checkout(tokenUrl);
    const instance = () => new EndpointSecurity({ fetch: script.fetch, cache });
    const first = instance();
    await first.getToken(endpoint);
    await first.close();
    jump(-year);
    expect(await instance().getAuthHeader(endpoint)).toBe("Bearer token-2");
  });

  test("but for no longer than twice its lifetime, whenever and however far that is, however often it is called", async () => {
    const anyMoment = fc.integer({ min: 0, max: 600 });
    const anyJump = fc.oneof(fc.integer({ min: 0, max: 1_200 }), fc.integer({ min: 0, max: 1e9 }));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 600 }),
        anyMoment,
        anyJump,
        fc.nat(2_000),
        async (life, before, back, after) => {
          const { get } = await start({}, life);
          await vi.advanceTimersByTimeAsync(before * second);
          // Of a token that nobody looks at it can't be told after the jump that it ended before.
          await get();
          jump(-back * second);
          const kept = await get();
          await vi.advanceTimersByTimeAsync(after * second);
          const atMost = 2 * life * second + tolerance;
          const isKept = kept === "token-1" && (await get()) === "token-1";
          if (isKept) expect((before + after) * second).toBeLessThanOrEqual(atMost);
          vi.useRealTimers();
        },
      ),
    );
  });
});
