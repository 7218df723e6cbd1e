import { EndpointSecurity, TokenExpiredOnArrivalError } from "endpoint-security";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { answeringFetch, unsignedJwt } from "./answering-fetch.ts";
import { checkout, checkoutOnce } from "./token-endpoint.ts";

const tokenUrl = "https://idp.example.test/token";
const start = Date.UTC(2026, 10, 23);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: start });
});

afterEach(() => {
  vi.useRealTimers();
});

/** An instance whose token endpoint gives `token-1`, `token-2`, … with these members. */
function issuing(members: object | ((count: number) => object)) {
  const answers = answeringFetch((count) => ({
    access_token: `token-${count}`,
    token_type: "Bearer",
    ...(typeof members === "function" ? members(count) : members),
  }));
  return { answers, security: new EndpointSecurity({ fetch: answers.fetch }) };
}

async function lifeOf(members: object, more: object = {}): Promise<number> {
  const { security } = issuing(members);
  const token = await security.getToken(checkout(tokenUrl, more));
  return token.expiresAt - start;
}

function at(ms: number): void {
  vi.setSystemTime(start + ms);
}

describe("the life of a token", () => {
  test("is counted from before the request, so that a slow answer shortens it", async () => {
    const { fetch } = answeringFetch(() => {
      at(4_000);
      return { access_token: "a", token_type: "Bearer", expires_in: 100 };
    });
    const token = await new EndpointSecurity({ fetch }).getToken(checkout(tokenUrl));
    expect(token.issuedAt).toBe(start);
    expect(token.expiresAt).toBe(start + 100_000);
  });

  test("without expires_in is five minutes, or defaultLifetimeMs", async () => {
    expect(await lifeOf({})).toBe(300_000);
    expect(await lifeOf({}, { renewal: { defaultLifetimeMs: 42_000 } })).toBe(42_000);
  });

  test("without expires_in is the JWT's own", async () => {
    const access_token = unsignedJwt({ exp: start / 1000 + 77 });
    expect(await lifeOf({ access_token }, { renewal: { defaultLifetimeMs: 42_000 } })).toBe(77_000);
    expect(await lifeOf({ access_token, expires_in: null })).toBe(77_000);
  });

  test("is what expires_in says, also where the token is a JWT", async () => {
    const access_token = unsignedJwt({ exp: start / 1000 + 77 });
    expect(await lifeOf({ access_token, expires_in: 10 })).toBe(10_000);
  });

  test.each([
    ["no exp", unsignedJwt({ sub: "x" })],
    ["an exp that is a string", unsignedJwt({ exp: "tomorrow" })],
    ["an exp that is null", unsignedJwt({ exp: null })],
    ["claims that are a list", unsignedJwt(["exp"])],
    ["claims that are null", unsignedJwt(null)],
    ["no JSON inside", "aaa.bbb.ccc"],
    ["five parts", "a.b.c.d.e"],
    ["two parts", "a.b"],
    ["dots alone", ".."],
  ])("of something like a JWT with %s is the default", async (_what, access_token) => {
    expect(await lifeOf({ access_token })).toBe(300_000);
  });

  test("of thirty years is taken as it is, and the token is sent for as long", async () => {
    const years = (count: number) => count * 365 * 86_400;
    const { security, answers } = issuing({ expires_in: years(30) });
    const endpoint = checkout(tokenUrl, { renewal: { refreshAhead: false } });
    const token = await security.getToken(endpoint);
    expect(token.expiresAt).toBe(start + years(30) * 1000);
    at(years(29) * 1000);
    expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-1");
    expect(answers.count).toBe(1);
  });

  test("of a JWT with an exp beyond all dates stays finite", async () => {
    const life = await lifeOf({ access_token: unsignedJwt({ exp: 1e18 }) });
    expect(Number.isFinite(life)).toBe(true);
    expect(life).toBeGreaterThan(365 * 86_400_000);
  });

  test("is finite and positive for whatever expires_in says, or there is no token", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (expires_in) => {
        at(0);
        const { security, answers } = issuing({ expires_in });
        const outcome = await security
          .getToken(checkout(tokenUrl))
          .then(({ expiresAt }) => expiresAt - start)
          .catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(TokenExpiredOnArrivalError);
        else expect(Number.isFinite(outcome) && Number(outcome) > 0).toBe(true);
        expect(answers.count).toBe(1);
      }),
    );
  });
});

describe("a token is sent", () => {
  /** Until which moment of its life (in ms) the first token is handed out, and that is all. */
  async function expectSentUntil(lifeSeconds: number, lastMs: number, more: object = {}) {
    const { security } = issuing({ expires_in: lifeSeconds });
    const endpoint = checkout(tokenUrl, { renewal: { refreshAhead: false }, ...more });
    expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-1");
    at(lastMs - 1);
    expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-1");
    at(lastMs);
    expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-2");
  }

  test("until 30 s before its end when it lives long", () => expectSentUntil(3600, 3_570_000));
  test("until a tenth before its end when it lives shortly", () => expectSentUntil(100, 90_000));
  test("until the tenth and the 30 s meet", () => expectSentUntil(300, 270_000));
  test("until expirySkewMs before its end", () =>
    expectSentUntil(3600, 3_480_000, { renewal: { expirySkewMs: 120_000 } }));
  test("until its end with expirySkewMs 0", () =>
    expectSentUntil(60, 60_000, { renewal: { expirySkewMs: 0 } }));
  test("for half its lifetime at least, whatever expirySkewMs says", () =>
    expectSentUntil(60, 30_000, { renewal: { expirySkewMs: 3_600_000 } }));

  test("never after its end, for any life, skew and moment", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 100_000 }),
        fc.option(fc.integer({ min: 0, max: 1e9 }), { nil: undefined }),
        fc.integer({ min: 0, max: 200_000_000 }),
        async (expires_in, expirySkewMs, later) => {
          at(0);
          const { security } = issuing({ expires_in });
          const endpoint = checkout(tokenUrl, { renewal: { expirySkewMs, refreshAhead: false } });
          await security.getToken(endpoint);
          at(later);
          const token = await security.getToken(endpoint);
          expect(token.expiresAt).toBeGreaterThan(Date.now());
          if (later < (expires_in * 1000) / 2) expect(token.accessToken).toBe("token-1");
        },
      ),
    );
  });
});

describe("a token that is over when it arrives", () => {
  test.each([
    ["next to nothing", { expires_in: 1e-9 }],
    ["expires_at of yesterday", { expires_in: undefined, expires_at: start / 1000 - 86_400 }],
    ["a JWT of yesterday", { access_token: unsignedJwt({ exp: start / 1000 - 86_400 }) }],
    ["a JWT with a negative exp", { access_token: unsignedJwt({ exp: -1 }) }],
  ])("by %s is an error of its own, after one request", async (_what, members) => {
    const { security, answers } = issuing(members);
    const call = security.getAuthHeader(checkoutOnce(tokenUrl));
    await expect(call).rejects.toThrow(TokenExpiredOnArrivalError);
    await expect(call).rejects.toMatchObject({
      code: "token_expired_on_arrival",
      retryable: true,
      endpoint: "orders",
    });
    expect(answers.count).toBe(1);
    await expect(security.getAuthHeader(checkoutOnce(tokenUrl))).rejects.toThrow("expired");
    expect(answers.count).toBe(2);
  });

  test("by a slow answer is the same error", async () => {
    const { fetch } = answeringFetch(() => {
      at(95_000);
      return { access_token: "a", token_type: "Bearer", expires_in: 100 };
    });
    const call = new EndpointSecurity({ fetch }).getAuthHeader(checkoutOnce(tokenUrl));
    await expect(call).rejects.toThrow(TokenExpiredOnArrivalError);
  });

  test("leaves nothing behind: the next good one is used", async () => {
    const { security } = issuing((count) => ({ expires_in: count === 1 ? 1e-9 : 60 }));
    await expect(security.getAuthHeader(checkoutOnce(tokenUrl))).rejects.toThrow();
    expect(await security.getAuthHeader(checkoutOnce(tokenUrl))).toBe("Bearer token-2");
  });
});
