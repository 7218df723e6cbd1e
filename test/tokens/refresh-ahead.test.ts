import { EndpointSecurity, type EndpointSecurityOptions } from "endpoint-security";
import { expect, onTestFinished, test, vi } from "vitest";
import { pass, scriptedFetch, settle, stopTime, token } from "./fake-time.ts";
import { checkout } from "./token-endpoint.ts";

const tokenUrl = "https://idp.example.test/token";
const second = 1_000;

/** An instance on a stopped clock, with its first token at hand. */
async function start(
  how?: Parameters<typeof scriptedFetch>[0],
  more: object = {},
  options: EndpointSecurityOptions = {},
) {
  stopTime();
  const script = scriptedFetch(how);
  const security = new EndpointSecurity({ ...options, fetch: script.fetch });
  const endpoint = checkout(tokenUrl, more);
  const get = async () => (await security.getToken(endpoint)).accessToken;
  expect(await get()).toBe("token-1");
  return { script, security, endpoint, get };
}

test("the old token is served while one renewal runs in the background, however many call", async () => {
  const { script, get } = await start((n) => (n === 2 ? "silence" : token(n)));
  await pass(2_700 * second);
  await get();
  expect(script.times).toHaveLength(1);
  await pass(400 * second);
  const tokens = await Promise.all(Array.from({ length: 1_000 }, get));
  await settle();
  expect(new Set(tokens)).toEqual(new Set(["token-1"]));
  expect(script.times).toHaveLength(2);
  await get();
  expect(script.times).toHaveLength(2);
});

test("the new token is served once it is there", async () => {
  const { get } = await start();
  await pass(3_100 * second);
  expect(await get()).toBe("token-1");
  await settle();
  expect(await get()).toBe("token-2");
});

test("the old token is served while the refresh fails, with a backoff, and nothing is unhandled", async () => {
  const unhandled = vi.fn();
  process.on("unhandledRejection", unhandled);
  onTestFinished(() => void process.off("unhandledRejection", unhandled));
  const { script, security, get } = await start((n) =>
    n === 1 ? token(1) : new Response(null, { status: 500 }),
  );
  const failed = vi.fn();
  security.on("tokenRequestFailed", failed);
  await pass(3_100 * second);
  for (let elapsed = 0; elapsed < 400; elapsed++) {
    expect(await get()).toBe("token-1");
    await pass(second);
  }
  expect(failed.mock.calls.length).toBeGreaterThan(5);
  // 400 s at a pause that soon is some 30 s, three attempts each.
  expect(script.times.length).toBeLessThan(100);
  expect(unhandled).not.toHaveBeenCalled();
  script.answer = (n) => token(n);
  await pass(60 * second);
  await get();
  await settle();
  expect(await get()).toMatch(/^token-\d{2}/);
});

test("a server that hands out the same token again causes no loop", async () => {
  const issued = Date.now();
  const { script, get } = await start(() =>
    token(1, { expires_in: 3600 - Math.round((Date.now() - issued) / 1000) }),
  );
  for (let elapsed = 0; elapsed < 3_500; elapsed += 5) {
    await vi.advanceTimersByTimeAsync(5 * second);
    await get();
  }
  await settle();
  expect(script.times.length).toBeLessThanOrEqual(3);
});

test.each([5, 60, 240])("tokens of %i s cause no storm", async (expires_in) => {
  const { script, get } = await start((n) => token(n, { expires_in }));
  const steps = 200;
  for (let step = 0; step < steps; step++) {
    await Promise.all([get(), get(), get()]);
    await pass((expires_in * second) / 20);
  }
  // Ten lives of them.
  expect(script.times.length).toBeGreaterThanOrEqual(10);
  expect(script.times.length).toBeLessThanOrEqual(16);
});

test("a token of thirty years is renewed after a day, and sent meanwhile", async () => {
  const hour = 3_600;
  const { script, get } = await start((n) => token(n, { expires_in: 30 * 365 * 24 * hour }));
  await pass(23 * hour * second);
  expect(await get()).toBe("token-1");
  await settle();
  expect(script.times).toHaveLength(1);
  await pass(2 * hour * second);
  expect(await get()).toBe("token-1");
  await settle();
  expect(await get()).toBe("token-2");
  expect(vi.getTimerCount()).toBe(0);
});

test("refresh_in is obeyed", async () => {
  const { security, endpoint } = await start((n) => token(n, { refresh_in: 2_400 }));
  const inMs = Date.parse(security.explain(endpoint).nextRenewalAt ?? "") - Date.now();
  expect(inMs).toBeGreaterThanOrEqual(2_400 * second * 0.95 - 1);
  expect(inMs).toBeLessThanOrEqual(2_400 * second * 1.05 + 1);
});

test("each process renews at a moment of its own, within 5 % of the one that is set", async () => {
  stopTime();
  const moments = new Set<number>();
  for (let process = 0; process < 50; process++) {
    const security = new EndpointSecurity({ fetch: scriptedFetch().fetch });
    await security.getToken(checkout(tokenUrl));
    const { nextRenewalAt = "" } = security.explain(checkout(tokenUrl));
    moments.add(Date.parse(nextRenewalAt) - Date.now());
  }
  expect(moments.size).toBeGreaterThan(25);
  expect(Math.min(...moments)).toBeGreaterThanOrEqual(2_880 * second * 0.95 - 1);
  expect(Math.max(...moments)).toBeLessThanOrEqual(2_880 * second * 1.05 + 1);
});

test.each([
  ["the endpoint", { renewal: { refreshAhead: false } }, {}],
  ["the instance", {}, { renewal: { refreshAhead: false as const } }],
  [
    "the endpoint, whatever the instance says",
    { renewal: { refreshAhead: false } },
    { renewal: { refreshAhead: 0.6 } },
  ],
])("nothing is renewed ahead where %s says so", async (_who, more, options) => {
  const { script, get } = await start(undefined, more, options);
  await pass(3_569 * second);
  expect(await get()).toBe("token-1");
  await settle();
  expect(script.times).toHaveLength(1);
  await pass(second);
  expect(await get()).toBe("token-2");
});
