import { EndpointSecurity } from "endpoint-security";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { errorOf, pass, scriptedFetch, settle, stopTime, token } from "./fake-time.ts";
import { checkout } from "./token-endpoint.ts";

const tokenUrl = "https://idp.example.test/token";
const down = () => new Response(null, { status: 503 });
const busy = (retryAfter: string) =>
  new Response(null, { status: 503, headers: { "retry-after": retryAfter } });
const refusal = (error: string) => Response.json({ error }, { status: 400 });

function start(
  how: Parameters<typeof scriptedFetch>[0],
  { tokenRequest, ...more }: Readonly<Record<string, unknown>> = {},
) {
  stopTime();
  // The longest pause, and retries at once.
  vi.spyOn(Math, "random").mockReturnValue(0);
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
  const script = scriptedFetch(how);
  const security = new EndpointSecurity({ fetch: script.fetch });
  const endpoint = checkout(tokenUrl, {
    ...more,
    tokenRequest: { retries: 0, ...(tokenRequest as object) },
  });
  const get = () => security.getAuthHeader(endpoint);
  return { script, security, endpoint, get };
}

describe("after a failure", () => {
  test("the same error comes without a request, then one probe for all", async () => {
    const { script, get } = start(down);
    const first = await errorOf(get());
    await pass(999);
    const { message, repeated, nextAttemptAt, ...others } = first;
    expect([message, repeated, nextAttemptAt]).toEqual([
      expect.stringMatching(/call again later$/),
      false,
      new Date(Date.now() + 1),
    ]);
    expect(await errorOf(get())).toMatchObject({
      ...others,
      repeated: true,
      nextAttemptAt,
      message: `${message} (repeated without a request; the next attempt is at ${nextAttemptAt?.toISOString()})`,
    });
    expect(script.times).toHaveLength(1);
    await pass(1);
    await Promise.all(Array.from({ length: 100 }, () => errorOf(get())));
    expect(script.times).toHaveLength(2);
  });

  test.each([
    ["invalid_scope", () => refusal("invalid_scope"), [1, 2, 4, 8, 16, 30, 30]],
    ["invalid_client", () => refusal("invalid_client"), [10, 20, 40, 80, 160, 300, 300]],
    ["invalid_grant", () => refusal("invalid_grant"), [10, 20, 40, 80, 160, 300, 300]],
  ])("of %s the pauses double", async (_what, how, pauses) => {
    const { script, get } = start(how);
    await errorOf(get());
    for (const [index, seconds] of pauses.entries()) {
      await pass(seconds * 1_000 - 1);
      await errorOf(get());
      expect(script.times).toHaveLength(index + 1);
      await pass(1);
      await errorOf(get());
      expect(script.times).toHaveLength(index + 2);
    }
  });

  test("an outage is probed once a second, for as long as it lasts", async () => {
    const { script, get } = start((n) => (n < 61 ? down() : token(n)));
    await errorOf(get());
    for (let seconds = 1; seconds < 60; seconds++) {
      await pass(999);
      await errorOf(get());
      expect(script.times).toHaveLength(seconds);
      await pass(1);
      await errorOf(get());
      expect(script.times).toHaveLength(seconds + 1);
    }
    await pass(1_000);
    expect(await get()).toBe("Bearer token-61");
  });

  test("a probe is a single request, however many retries a token request has", async () => {
    const { script, get } = start(down, { tokenRequest: { retries: 2 } });
    const first = errorOf(get());
    await pass(1);
    await first;
    expect(script.times).toHaveLength(3);
    await pass(1_000);
    await errorOf(get());
    expect(script.times).toHaveLength(4);
  });

  test("those who ask at once long after an outage all get the token of one request", async () => {
    const { script, get } = start((n) => (n === 1 ? down() : token(n)));
    await errorOf(get());
    await pass(60_000);
    const headers = await Promise.all(Array.from({ length: 100 }, () => get()));
    expect(new Set(headers)).toEqual(new Set(["Bearer token-2"]));
    expect(script.times).toHaveLength(2);
  });

  test("a probe is one caller's: the others get the error at once, and then its token", async () => {
    let answer: (response: Response) => void = () => {};
    const { script, get } = start((n) =>
      n === 1
        ? down()
        : new Promise<Response>((resolve) => {
            answer = resolve;
          }),
    );
    await errorOf(get());
    await pass(1_000);
    const probe = get();
    await settle();
    expect(script.times).toHaveLength(2);
    const others = await Promise.all(Array.from({ length: 100 }, () => errorOf(get())));
    for (const error of others) {
      expect(error).toMatchObject({ code: "token_endpoint_unavailable", repeated: true });
    }
    answer(token(2));
    expect(await probe).toBe("Bearer token-2");
    expect(await get()).toBe("Bearer token-2");
    expect(script.times).toHaveLength(2);
  });

  test("the pauses of processes differ by up to a quarter", async () => {
    const { get } = start(down);
    vi.spyOn(Math, "random").mockReturnValue(1);
    const { nextAttemptAt } = await errorOf(get());
    expect(nextAttemptAt).toEqual(new Date(Date.now() + 750));
  });

  test("of another kind, refused credentials still have their longer pause", async () => {
    const { script, get } = start((n) => (n === 1 ? down() : refusal("invalid_client")));
    await errorOf(get());
    await pass(1_000);
    await errorOf(get());
    await pass(9_999);
    await errorOf(get());
    expect(script.times).toHaveLength(2);
  });

  test("a success ends it, and the next pause is short again", async () => {
    const { script, security, endpoint, get } = start((n) => (n === 2 ? token(n) : down()));
    await errorOf(get());
    await pass(1_000);
    expect(await get()).toBe("Bearer token-2");
    await security.invalidate(endpoint);
    await errorOf(get());
    await pass(1_000);
    await errorOf(get());
    expect(script.times).toHaveLength(4);
  });

  test("coolDownMs 0 asks every time", async () => {
    const { script, get } = start(down, { tokenRequest: { coolDownMs: 0 } });
    await errorOf(get());
    await errorOf(get());
    expect(script.times).toHaveLength(2);
  });

  test("coolDownMs 0 obeys a Retry-After all the same", async () => {
    const { script, get } = start(() => busy("60"), { tokenRequest: { coolDownMs: 0 } });
    await errorOf(get());
    await pass(59_999);
    await errorOf(get());
    expect(script.times).toHaveLength(1);
    await pass(1);
    await errorOf(get());
    expect(script.times).toHaveLength(2);
  });

  test("coolDownMs 0 asks every time after refused credentials, too", async () => {
    const { script, get } = start(() => refusal("invalid_client"), {
      tokenRequest: { coolDownMs: 0 },
    });
    await errorOf(get());
    await errorOf(get());
    expect(script.times).toHaveLength(2);
  });

  test("the error says how long is left of Retry-After, counted down", async () => {
    const { script, get } = start(() => busy("60"));
    expect(await errorOf(get())).toMatchObject({ retryAfterMs: 60_000 });
    await pass(45_000);
    const later = await errorOf(get());
    expect(later).toMatchObject({ code: "token_endpoint_unavailable", retryAfterMs: 15_000 });
    expect(later.message).toContain("call again in 15 s");
    expect(script.times).toHaveLength(1);
  });

  test.each([
    ["a year", String(365 * 86_400)],
    ["more than any number holds", "9".repeat(400)],
    ["a date of the next century", "Sat, 23 Nov 2126 00:00:00 GMT"],
  ])(
    "a Retry-After of %s locks nobody out: it is told, and asked again after 15 minutes",
    async (_what, asked) => {
      const { script, get } = start((n) => (n === 1 ? busy(asked) : token(n)));
      const year = 365 * 86_400_000;
      expect(await errorOf(get())).toMatchObject({ retryAfterMs: year });
      await pass(899_999);
      expect(await errorOf(get())).toMatchObject({ retryAfterMs: year - 899_999 });
      expect(script.times).toHaveLength(1);
      await pass(1);
      expect(await get()).toBe("Bearer token-2");
    },
  );

  test("a changed configuration starts again", async () => {
    const { script, security, endpoint, get } = start((n) => (n === 1 ? down() : token(n)));
    await errorOf(get());
    expect(await security.getAuthHeader({ ...endpoint, scope: "orders" })).toBe("Bearer token-2");
    expect(script.times).toHaveLength(2);
  });

  test("another way to the same token endpoint starts again", async () => {
    const { script, security, endpoint, get } = start((n) => (n === 1 ? down() : token(n)), {
      transport: { connectTimeoutMs: 1_000 },
    });
    await errorOf(get());
    await errorOf(get());
    expect(script.times).toHaveLength(1);
    const mended = { ...endpoint, transport: { connectTimeoutMs: 2_000 } };
    expect(await security.getAuthHeader(mended)).toBe("Bearer token-2");
  });

  test("a secret function that returns something else starts again", async () => {
    let secret = "old";
    const { get } = start((n) => (n === 1 ? refusal("invalid_client") : token(n)), {
      clientSecret: () => secret,
    });
    await errorOf(get());
    secret = "new";
    expect(await get()).toBe("Bearer token-2");
  });
});

describe("invalid_client", () => {
  test("asks the secret function again, and succeeds within the same call", async () => {
    const secrets = ["old", "new"];
    const { script, get } = start((n) => (n === 1 ? refusal("invalid_client") : token(n)), {
      clientSecret: () => secrets.shift() ?? "new",
    });
    expect(await get()).toBe("Bearer token-2");
    await settle();
    expect(script.times).toHaveLength(2);
  });

  test("with the same secret again is reported after one request", async () => {
    const { script, get } = start(() => refusal("invalid_client"), { clientSecret: () => "same" });
    expect(await errorOf(get())).toMatchObject({ error: "invalid_client" });
    expect(script.times).toHaveLength(1);
  });
});

describe("during an outage, a token in its last seconds", () => {
  const lifetime = { expires_in: 100 };
  const issued = () => Response.json({ access_token: "last", token_type: "Bearer", ...lifetime });

  test("is sent until it expires, and never after", async () => {
    const { script, get } = start((n) => (n === 1 ? issued() : down()), {
      renewal: { refreshAhead: false },
    });
    expect(await get()).toBe("Bearer last");
    await pass(90_000);
    expect(await get()).toBe("Bearer last");
    expect(script.times.length).toBeGreaterThan(1);
    await pass(9_999);
    expect(await get()).toBe("Bearer last");
    await pass(1);
    expect(await errorOf(get())).toMatchObject({ code: "token_endpoint_unavailable" });
  });

  test("is replaced as soon as the token endpoint is back", async () => {
    const { get } = start((n) => (n === 1 ? issued() : n === 2 ? down() : token(n)), {
      renewal: { refreshAhead: false },
    });
    await get();
    await pass(90_000);
    expect(await get()).toBe("Bearer last");
    await pass(1_000);
    expect(await get()).toBe("Bearer token-3");
  });

  test("is not sent when its renewal is rejected, nor when the backend rejected it", async () => {
    const { get } = start((n) => (n === 1 ? issued() : refusal("invalid_client")), {
      renewal: { refreshAhead: false },
    });
    await get();
    await pass(90_000);
    expect(await errorOf(get())).toMatchObject({ code: "token_request_rejected" });

    const other = start((n) => (n === 1 ? issued() : down()), { renewal: { refreshAhead: false } });
    const rejectedToken = await other.get();
    const { security, endpoint } = other;
    const error = await errorOf(security.getAuthHeader(endpoint, { rejectedToken }));
    expect(error).toMatchObject({ code: "token_endpoint_unavailable" });
  });
});

test("during an outage, nobody gets a token that was issued for another caller", async () => {
  let caller = "ada";
  const { get } = start(
    (n) =>
      n === 1
        ? Response.json({ access_token: `for-${caller}`, token_type: "Bearer", expires_in: 100 })
        : down(),
    {
      grantType: "urn:ietf:params:oauth:grant-type:token-exchange",
      subjectToken: () => caller,
    },
  );
  expect(await get()).toBe("Bearer for-ada");
  caller = "bob";
  expect(await errorOf(get())).toMatchObject({ code: "token_endpoint_unavailable" });
});
