import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { skewOf, stalenessOf } from "../../src/tokens/freshness.ts";
import { jwtExpiry } from "../../src/tokens/jwt-expiry.ts";
import { unsignedJwt } from "./answering-fetch.ts";

/** A token's life of so many seconds. */
const lifeOf = (seconds: number) => ({ issuedAt: 5_000, expiresAt: 5_000 + seconds * 1_000 });

describe("before its end, a token is sent no more", () => {
  test.each([
    ["for a tenth of a short life", 60, undefined, 6_000],
    ["for 30 s of a long life", 3_600, undefined, 30_000],
    ["for expirySkewMs", 60, 10_000, 10_000],
    ["never, where expirySkewMs is 0", 60, 0, 0],
    ["for half of its life, where expirySkewMs is longer", 60, 50_000, 30_000],
  ])("%s", (_, seconds, expirySkewMs, expected) => {
    const settings = { expirySkewMs };
    expect(skewOf(lifeOf(seconds), settings)).toBe(expected);
  });
});

const defaults = { expirySkewMs: undefined, refreshAhead: 0.8, maxLifetimeMs: 86_400_000 };

describe("before its end, a token is renewed", () => {
  beforeEach(() => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test.each([
    ["for the last fifth of its life", {}, {}, 20_000],
    ["from refreshAhead on", { refreshAhead: 0.75 }, {}, 25_000],
    ["from refresh_in on", {}, { refreshInMs: 70_000 }, 30_000],
    [
      "from refresh_in on, whatever refreshAhead says",
      { refreshAhead: 0.9 },
      { refreshInMs: 0 },
      50_000,
    ],
    [
      "never, where refreshAhead is off",
      { refreshAhead: false as const },
      { refreshInMs: 1 },
      10_000,
    ],
    ["for twice as long as a token request takes", {}, { durationMs: 12_000 }, 34_000],
    ["not in the first half of its life", { refreshAhead: 0.1 }, {}, 50_000],
    ["as long as it may be sent at least", { refreshAhead: 1 }, {}, 10_000],
  ])("%s", (_, settings, hints, expected) => {
    expect(stalenessOf(lifeOf(100), { ...defaults, ...settings }, hints)).toBeCloseTo(expected, 6);
  });

  test.each([
    [0, 100_000 - 80_000 * 0.95],
    [0.999_999_999, 100_000 - 80_000 * 1.05],
  ])(
    "a twentieth earlier or later (%d), so that not all processes ask at once",
    (random, expected) => {
      vi.mocked(Math.random).mockReturnValue(random);
      expect(stalenessOf(lifeOf(100), defaults)).toBeCloseTo(expected, 3);
    },
  );
});

describe("the expiry of a JWT", () => {
  test("is its exp, in milliseconds", () => {
    expect(jwtExpiry(unsignedJwt({ exp: 1_700_000_000.5 }))).toBe(1_700_000_000_500);
  });

  const jwt = unsignedJwt({ exp: 1_700_000_000 });
  test.each([
    ["no JWT", "opaque"],
    ["without a signature's place", jwt.split(".").slice(0, 2).join(".")],
    ["of more than three parts", `${jwt}.more`],
    ["no JSON", "aaa.bbb.ccc"],
    ["claims that are null", unsignedJwt(null)],
    ["claims that are a number", unsignedJwt(1)],
    ["no exp", unsignedJwt({ iat: 1 })],
    ["an exp that is text", unsignedJwt({ exp: "1700000000" })],
    ["an exp beyond all numbers", "e30.eyJleHAiOjFlOTk5fQ.c2ln"],
  ])("is unknown of %s", (_, token) => {
    expect(jwtExpiry(token)).toBeUndefined();
  });
});
