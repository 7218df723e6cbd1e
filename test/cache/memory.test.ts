import { EndpointSecurity } from "endpoint-security";
import { describe, expect, test, vi } from "vitest";
import { MemoryCache } from "../../src/cache/memory-cache.ts";
import { answeringFetch } from "../tokens/answering-fetch.ts";
import { checkout } from "../tokens/token-endpoint.ts";

const tokenUrl = "https://idp.example.test/token";

function issuing(options: { maxEntries?: number } = {}) {
  const answers = answeringFetch((count) => ({
    access_token: `token-${count}`,
    token_type: "Bearer",
    expires_in: 3600,
  }));
  const security = new EndpointSecurity({ fetch: answers.fetch, ...options });
  const cacheFailed = vi.fn();
  security.on("cacheFailed", cacheFailed);
  return { answers, security, cacheFailed };
}

describe("without a cache of its own, an instance keeps tokens in memory", () => {
  test("and nothing fails in doing so", async () => {
    const { security, cacheFailed } = issuing();
    const endpoint = checkout(tokenUrl);
    await security.getAuthHeader(endpoint);
    await security.getAuthHeader(endpoint, { rejectedToken: "token-1" });
    await security.invalidate(endpoint);
    await security.getAuthHeader(endpoint);
    await security.close();
    expect(cacheFailed).not.toHaveBeenCalled();
  });

  test("for every configuration that asks for the same token", async () => {
    const { security, answers } = issuing();
    for (const name of ["orders", "invoices", "returns"]) {
      const endpoint = checkout(tokenUrl, { name, clientSecret: () => "checkout-secret" });
      expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-1");
    }
    expect(answers.count).toBe(1);
  });

  test("for two thousand endpoints at once", async () => {
    const { security, answers } = issuing();
    const endpoints = Array.from({ length: 2_000 }, (_, index) =>
      checkout(tokenUrl, { scope: `scope-${index}` }),
    );
    const first = await Promise.all(endpoints.map((endpoint) => security.getAuthHeader(endpoint)));
    const again = await Promise.all(
      endpoints.map((endpoint) => security.getAuthHeader({ ...endpoint })),
    );
    expect(new Set(first).size).toBe(2_000);
    expect(again).toEqual(first);
    expect(answers.count).toBe(2_000);
  });

  test("and drops the least recently used beyond maxEntries", async () => {
    const { security, answers } = issuing({ maxEntries: 2 });
    const secret = () => "checkout-secret";
    // A new function each time makes the configuration one that was never seen before.
    const ask = (scope: string) =>
      security.getToken(checkout(tokenUrl, { scope, clientSecret: () => secret() }));
    await ask("a");
    await ask("b");
    await ask("a");
    await ask("c");
    expect(answers.count).toBe(3);
    await ask("a");
    expect(answers.count).toBe(3);
    await ask("b");
    expect(answers.count).toBe(4);
  });

  test("which two instances don't share", async () => {
    const [one, two] = [issuing(), issuing()];
    await one.security.getToken(checkout(tokenUrl));
    await two.security.getToken(checkout(tokenUrl));
    expect([one.answers.count, two.answers.count]).toEqual([1, 1]);
  });
});

test("the memory forgets what is deleted, and nothing else", async () => {
  const cache = new MemoryCache(10);
  const [one, two] = [{ is: "one" }, { is: "two" }];
  await cache.set("one", one, 1_000);
  await cache.set("two", two, 1_000);
  await cache.delete("one");
  expect([await cache.get("one"), await cache.get("two")]).toEqual([undefined, two]);
});
