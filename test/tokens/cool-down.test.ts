import { EndpointSecurity } from "endpoint-security";
import { describe, expect, test } from "vitest";
import { errorOf, pass, scriptedFetch, settle, stopTime, token } from "./fake-time.ts";
import { checkout } from "./token-endpoint.ts";

const tokenUrl = "https://idp.example.test/token";
const down = () => new Response(null, { status: 503 });
const busy = (retryAfter: string) =>
  new Response(null, { status: 503, headers: { "retry-after": retryAfter } });
const refusal = (error: string) => Response.json({ error }, { status: 400 });

function start(how: Parameters<typeof scriptedFetch>[0], more: object = {}) {
  stopTime();
  const script = scriptedFetch(how);
  const security = new EndpointSecurity({ fetch: script.fetch });
  const endpoint = checkout(tokenUrl, { tokenRequestRetries: 0, ...more });
  const get = () => security.getAuthHeader(endpoint);
  return { script, security, endpoint, get };
}

describe("after a failure", () => {
  test("the same error comes without a request, then one probe for all", async () => {
    const { script, get } = start(down);
    const first = await errorOf(get());
    await pass(999);
    expect(await errorOf(get())).toMatchObject({ ...first });
    expect(script.times).toHaveLength(1);
    await pass(1);
    await Promise.all(Array.from({ length: 100 }, () => errorOf(get())));
    expect(script.times).toHaveLength(2);
  });

  test.each([
    ["an outage", down, [1, 2, 4, 8, 16, 30, 30]],
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
    const { script, get } = start(down, { coolDownMs: 0 });
    await errorOf(get());
    await errorOf(get());
    expect(script.times).toHaveLength(2);
  });

  test("coolDownMs 0 obeys a Retry-After all the same", async () => {
    const { script, get } = start(() => busy("60"), { coolDownMs: 0 });
    await errorOf(get());
    await pass(59_999);
    await errorOf(get());
    expect(script.times).toHaveLength(1);
    await pass(1);
    await errorOf(get());
    expect(script.times).toHaveLength(2);
  });

  test("coolDownMs 0 asks every time after refused credentials, too", async () => {
    const { script, get } = start(() => refusal("invalid_client"), { coolDownMs: 0 });
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

  test("a changed configuration starts anew", async () => {
    const { script, security, endpoint, get } = start((n) => (n === 1 ? down() : token(n)));
    await errorOf(get());
    expect(await security.getAuthHeader({ ...endpoint, scope: "orders" })).toBe("Bearer token-2");
    expect(script.times).toHaveLength(2);
  });

  test("another way to the same token endpoint starts anew", async () => {
    const { script, security, endpoint, get } = start((n) => (n === 1 ? down() : token(n)), {
      transport: { connectTimeoutMs: 1_000 },
    });
    await errorOf(get());
    await errorOf(get());
    expect(script.times).toHaveLength(1);
    const mended = { ...endpoint, transport: { connectTimeoutMs: 2_000 } };
    expect(await security.getAuthHeader(mended)).toBe("Bearer token-2");
  });

  test("a secret function that returns something else starts anew", async () => {
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

  test("with the same secret again is told after one request", async () => {
    const { script, get } = start(() => refusal("invalid_client"), { clientSecret: () => "same" });
    expect(await errorOf(get())).toMatchObject({ error: "invalid_client" });
    expect(script.times).toHaveLength(1);
  });
});
