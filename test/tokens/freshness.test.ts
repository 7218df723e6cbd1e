import { EndpointSecurity, type TokenSet } from "endpoint-security";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { answeringFetch } from "./answering-fetch.ts";
import { checkout } from "./token-endpoint.ts";

const start = Date.UTC(2026, 10, 23);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: start });
});
afterEach(() => {
  vi.useRealTimers();
});

const span = (max: number) => fc.double({ min: 0, max, noNaN: true });
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });

/** Any token, with whatever an endpoint and an answer may say of its life. */
const anyToken = fc
  .record({
    // A token with no life to speak of is an error, which other tests are about.
    expires_in: fc.double({ min: 0.1, max: 1e9, noNaN: true }),
    refresh_in: maybe(fc.oneof(span(1e9), fc.double(), fc.jsonValue())),
    expirySkewMs: maybe(span(2 ** 31 - 1)),
    refreshAhead: maybe(
      fc.oneof(fc.constant(false as const), fc.double({ min: 0.01, max: 1, noNaN: true })),
    ),
    requestMs: fc.nat(40),
  })
  .map((life) => ({ ...life, tokenOf: () => tokenWith(life) }));

async function tokenWith(life: {
  expires_in: number;
  refresh_in: unknown;
  expirySkewMs: number | undefined;
  refreshAhead: number | false | undefined;
  requestMs: number;
}): Promise<TokenSet> {
  vi.setSystemTime(start);
  const { fetch } = answeringFetch(() => {
    vi.setSystemTime(start + life.requestMs);
    const { expires_in, refresh_in } = life;
    return { access_token: "a", token_type: "Bearer", expires_in, refresh_in };
  });
  const { expirySkewMs, refreshAhead } = life;
  const endpoint = checkout("https://idp.example.test/token", {
    renewal: { expirySkewMs, refreshAhead },
  });
  return new EndpointSecurity({ fetch }).getToken(endpoint);
}

/** Moments before, in and after a life, its edges among them. */
const anyMoment = fc.oneof(
  span(2).map((share) => (token: TokenSet) => {
    const { issuedAt, expiresAt } = token;
    return Math.round(issuedAt + (expiresAt - issuedAt) * share);
  }),
  fc
    .tuple(
      fc.constantFrom("freshUntil", "usableUntil", "expiresAt"),
      fc.integer({ min: -2, max: 2 }),
    )
    .map(
      ([edge, by]) =>
        (token: TokenSet) =>
          Math.round(token[edge as "expiresAt"] + by),
    ),
);

test("a token is never usable at its end or after it", async () => {
  await fc.assert(
    fc.asyncProperty(anyToken, span(1e15), async ({ tokenOf }, after) => {
      const token = await tokenOf();
      expect(token.isUsableAt(token.expiresAt)).toBe(false);
      expect(token.isUsableAt(token.expiresAt + after)).toBe(false);
      vi.setSystemTime(Math.ceil(token.expiresAt));
      expect(token.isUsable).toBe(false);
    }),
  );
});

test("a fresh token is usable, whatever the moment", async () => {
  await fc.assert(
    fc.asyncProperty(anyToken, anyMoment, async ({ tokenOf }, momentOf) => {
      const token = await tokenOf();
      const moment = momentOf(token);
      if (token.isFreshAt(moment)) expect(token.isUsableAt(moment)).toBe(true);
      expect(token.freshUntil).toBeLessThanOrEqual(token.usableUntil);
      expect(token.usableUntil).toBeLessThanOrEqual(token.expiresAt);
    }),
  );
});

test("a token that isn't fresh or usable any more doesn't become so again", async () => {
  await fc.assert(
    fc.asyncProperty(anyToken, anyMoment, anyMoment, async ({ tokenOf }, one, other) => {
      const token = await tokenOf();
      const [earlier = 0, later = 0] = [one(token), other(token)].sort((a, b) => a - b);
      const before = [token.isUsableAt(earlier), token.isFreshAt(earlier)];
      if (token.isUsableAt(later)) expect(before[0]).toBe(true);
      if (token.isFreshAt(later)) expect(before[1]).toBe(true);
    }),
  );
});

test("a token is usable for half of its lifetime at least, and fresh as long where it is renewed ahead", async () => {
  await fc.assert(
    fc.asyncProperty(anyToken, async ({ tokenOf, refreshAhead }) => {
      const token = await tokenOf();
      // One that lives longer than a day is renewed sooner, whatever it says.
      if (token.expiresAt - token.issuedAt > 86_400_000) return;
      const half = token.issuedAt + (token.expiresAt - token.issuedAt) / 2;
      // Spans are whole milliseconds.
      expect(token.usableUntil).toBeGreaterThanOrEqual(half - 1);
      expect(token.freshUntil).toBeGreaterThanOrEqual(half - 1);
      if (refreshAhead === false) expect(token.freshUntil).toBe(token.usableUntil);
    }),
  );
});

test("a token issued in the future is neither fresh nor usable, beyond what clocks differ by", async () => {
  await fc.assert(
    fc.asyncProperty(anyToken, fc.nat(200_000), async ({ tokenOf }, before) => {
      const token = await tokenOf();
      const moment = token.issuedAt - before;
      // It was looked at when it was issued; a clock that is then put right by a little changes nothing.
      if (before < 2_000) expect(token.isUsableAt(moment)).toBe(true);
      if (before > 60_000) expect(token.isUsableAt(moment) || token.isFreshAt(moment)).toBe(false);
    }),
  );
});
