import { ClosedError, EndpointSecurity } from "endpoint-security";
import Keyv from "keyv";
import { describe, expect, test, vi } from "vitest";
import { Latch } from "../tokens/latch.ts";
import { checkout, startTokenEndpoint } from "../tokens/token-endpoint.ts";

describe("close", () => {
  test("waits for a write that is under way", async () => {
    const server = await startTokenEndpoint();
    const cache = new Keyv();
    const [begun, latch] = [new Latch(), new Latch()];
    const written: string[] = [];
    vi.spyOn(cache, "set").mockImplementation(async (key) => {
      begun.open();
      await latch.opened;
      written.push(key);
      return true;
    });
    const security = new EndpointSecurity({ cache, cacheTimeoutMs: 60_000 });
    const token = security.getToken(checkout(server.tokenUrl));
    await begun.opened;
    let closed = false;
    const closing = security.close().then(() => {
      closed = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(false);
    latch.open();
    await closing;
    await token;
    expect(written).toHaveLength(1);
  });

  test("leaves the token for the next process", async () => {
    const server = await startTokenEndpoint();
    const cache = new Keyv();
    const first = new EndpointSecurity({ cache });
    await first.getToken(checkout(server.tokenUrl));
    await first.close();
    const second = new EndpointSecurity({ cache });
    expect(await second.getAuthHeader(checkout(server.tokenUrl))).toBe("Bearer token-1");
  });

  test("doesn't disconnect the cache it was given, nor clear it", async () => {
    const server = await startTokenEndpoint();
    const cache = new Keyv();
    const disconnect = vi.spyOn(cache, "disconnect");
    const clear = vi.spyOn(cache, "clear");
    const security = new EndpointSecurity({ cache });
    await security.getToken(checkout(server.tokenUrl));
    await security.close();
    expect(disconnect).not.toHaveBeenCalled();
    expect(clear).not.toHaveBeenCalled();
    await cache.set("mine", 1);
    expect(await cache.get("mine")).toBe(1);
  });

  test("doesn't wait for a write that hangs longer than a cache may take", async () => {
    const server = await startTokenEndpoint();
    const cache = new Keyv();
    vi.spyOn(cache, "set").mockImplementation(() => new Promise(() => {}));
    const security = new EndpointSecurity({ cache, cacheTimeoutMs: 20 });
    await security.getToken(checkout(server.tokenUrl));
    await security.close();
  });

  test("can be called twice, and by await using", async () => {
    const security = new EndpointSecurity();
    await Promise.all([security.close(), security.close()]);
    await security.close();
    await security[Symbol.asyncDispose]();
  });

  test("makes every later call fail with a ClosedError and no request", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity();
    const endpoint = checkout(server.tokenUrl, { url: "https://orders.example.test" });
    const wrapped = security.wrapFetch(endpoint);
    await security.getAuthHeader(endpoint);
    await security.close();
    const calls: [string, () => Promise<unknown>][] = [
      ["getAuthHeader", () => security.getAuthHeader(endpoint)],
      ["getAuthHeader of a literal", () => security.getAuthHeader({ ...endpoint })],
      ["getAuthHeaders", () => security.getAuthHeaders(endpoint)],
      ["getToken", () => security.getToken(endpoint)],
      ["invalidate", () => security.invalidate(endpoint)],
      ["a wrapped fetch", () => wrapped("/orders")],
      ["wrapFetch", async () => security.wrapFetch(endpoint)],
      ["explain", async () => security.explain(endpoint)],
    ];
    for (const [name, call] of calls) {
      await expect(call(), name).rejects.toThrow(ClosedError);
      await expect(call(), name).rejects.toMatchObject({ code: "closed", retryable: false });
    }
    expect(server.requests).toHaveLength(1);
  });

  test("lets callers who wait have their token", async () => {
    const latch = new Latch();
    const server = await startTokenEndpoint(async (res) => {
      await latch.opened;
      res.end('{"access_token":"abc"}');
    });
    const security = new EndpointSecurity();
    const waiting = security.getAuthHeader(checkout(server.tokenUrl));
    await server.arrived(1);
    const closing = security.close();
    latch.open();
    expect(await waiting).toBe("Bearer abc");
    await closing;
  });

  test("ends the events", async () => {
    const security = new EndpointSecurity();
    const heard = vi.fn();
    security.on("tokenRequestFailed", heard);
    await security.close();
    await expect(security.getToken(checkout("http://127.0.0.1:1/token"))).rejects.toThrow();
    expect(heard).not.toHaveBeenCalled();
  });

  test("of one instance leaves another one that shares the cache alone", async () => {
    const server = await startTokenEndpoint();
    const cache = new Keyv();
    const [one, two] = [new EndpointSecurity({ cache }), new EndpointSecurity({ cache })];
    await one.getToken(checkout(server.tokenUrl));
    await one.close();
    const failed = vi.fn();
    two.on("cacheFailed", failed);
    expect(await two.getAuthHeader(checkout(server.tokenUrl))).toBe("Bearer token-1");
    cache.emit("error", new Error("connection lost"));
    expect(failed).toHaveBeenCalledTimes(1);
  });
});
