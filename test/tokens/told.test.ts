import { EndpointSecurity } from "endpoint-security";
import { describe, expect, test, vi } from "vitest";
import { errorOf, pass, scriptedFetch, settle, stopTime, token } from "./fake-time.ts";
import { checkout, checkoutFor } from "./token-endpoint.ts";

const tokenUrl = "https://idp.example.test/token";

/** An instance whose token endpoint takes some milliseconds for each answer. */
function start(answer: Parameters<typeof scriptedFetch>[0], tookMs = 0) {
  stopTime();
  const script = scriptedFetch(answer);
  const security = new EndpointSecurity({
    fetch: async (input, init) => {
      vi.advanceTimersByTime(tookMs);
      return script.fetch(input, init);
    },
  });
  const events: unknown[] = [];
  security.on("tokenObtained", (event) => events.push(["tokenObtained", event]));
  security.on("tokenRequestFailed", (event) => events.push(["tokenRequestFailed", event]));
  return { script, security, events };
}

describe("a token request is reported", () => {
  test("with what came of it, how long it took, and whether a backend forced it", async () => {
    const { security, events } = start((count) => token(count, { scope: "a" }), 70);
    const endpoint = checkout(tokenUrl);
    const told = {
      endpoint: "orders",
      grantType: "client_credentials",
      durationMs: 70,
      tokenUrl,
      scope: "a",
    };
    const first = await security.getToken(endpoint);
    const { expiresAt } = first;
    expect(first.source).toBe("token_endpoint");
    expect(events).toEqual([
      ["tokenObtained", { ...told, trigger: "missing", attempts: 1, expiresAt }],
    ]);
    const { accessToken: rejectedToken } = first;
    await security.getToken(endpoint, { rejectedToken });
    expect(events[1]).toMatchObject(["tokenObtained", { ...told, trigger: "rejected" }]);
    // Beyond 84 %, where it is stale for sure.
    await pass(3_600_000 * 0.85);
    await security.getToken(endpoint);
    await settle();
    expect(events[2]).toMatchObject(["tokenObtained", { ...told, trigger: "ahead" }]);
  });

  test("where it failed, with the error", async () => {
    const { security, events } = start(() => new Response(null, { status: 400 }), 70);
    const { message } = await errorOf(security.getToken(checkout(tokenUrl)));
    const told = {
      endpoint: "orders",
      grantType: "client_credentials",
      durationMs: 70,
      tokenUrl,
    };
    const error = expect.objectContaining({ message });
    expect(events).toEqual([["tokenRequestFailed", { ...told, error }]]);
  });

  test("where it took too long, for how long that was", async () => {
    const { security } = start(() => "silence");
    const call = errorOf(
      security.getToken(checkout(tokenUrl, { tokenRequest: { timeoutMs: 40.4, retries: 0 } })),
    );
    await settle();
    await pass(41);
    expect((await call).message).toContain("did not respond within 40 ms");
  });

  test.each([
    [
      { expires_in: 2 },
      3_000,
      "issued a token with a lifetime of 2 s, which had expired when it arrived",
    ],
    [{ expires_in: undefined, expires_at: 1 }, 0, "issued a token that had already expired"],
  ])("where its token had ended: %j", async (members, tookMs, said) => {
    const { security } = start((count) => token(count, members), tookMs);
    const error = await errorOf(security.getToken(checkout(tokenUrl)));
    expect(error.message).toContain(said);
  });
});

describe("what a token endpoint says of its tokens", () => {
  test("moves their renewal: refresh_in, and how long it takes itself", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const freshFor = async (members: object, tookMs = 0) => {
      const { security } = start((count) => token(count, { expires_in: 100, ...members }), tookMs);
      const one = await security.getToken(checkout(tokenUrl));
      return Math.round(one.freshUntil - one.issuedAt);
    };
    expect(await freshFor({})).toBe(80_000);
    expect(await freshFor({ refresh_in: 60 })).toBe(60_000);
    expect(await freshFor({}, 10_000)).toBe(70_000);
    vi.restoreAllMocks();
  });

  test("is the life of a refresh token, which is not kept where the grant has no use for it", async () => {
    const members = { refresh_token: "r", refresh_expires_in: 7_200 };
    const { security } = start((count) => token(count, members));
    const before = Date.now();
    const held = await security.getToken(checkoutFor(tokenUrl));
    expect(held.refresh).toEqual({ token: "r", expiresAt: before + 7_200_000 });
    expect((await security.getToken(checkout(tokenUrl))).refresh).toBeUndefined();
  });
});
