import { EndpointSecurity, TokenRejectedError } from "endpoint-security";
import Keyv from "keyv";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Latch } from "./latch.ts";
import { checkout, checkoutOnce, issue, startTokenEndpoint } from "./token-endpoint.ts";

const caches: [string, () => { cache?: Keyv }][] = [
  ["the memory of the process", () => ({})],
  ["a Keyv", () => ({ cache: new Keyv() })],
];

describe.each(caches)("a rejected token, with %s", (_name, options) => {
  test("is replaced, once", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity(options());
    const endpoint = checkout(server.tokenUrl);
    expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-1");
    expect(await security.getAuthHeader(endpoint, { rejectedToken: "token-1" })).toBe(
      "Bearer token-2",
    );
    expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-2");
    expect(server.requests).toHaveLength(2);
  });

  test("told by a hundred callers one after the other costs one renewal", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity(options());
    const endpoint = checkout(server.tokenUrl);
    await security.getToken(endpoint);
    for (let caller = 0; caller < 100; caller++) {
      const token = await security.getToken(endpoint, { rejectedToken: "token-1" });
      expect(token.accessToken).toBe("token-2");
    }
    expect(server.requests).toHaveLength(2);
  });

  test("told by a hundred callers at once, and by some before the renewal, costs one", async () => {
    const latch = new Latch();
    const server = await startTokenEndpoint(async (res, count) => {
      if (count === 2) await latch.opened;
      issue(res, `token-${count}`);
    });
    const security = new EndpointSecurity(options());
    const endpoint = checkout(server.tokenUrl);
    await security.getToken(endpoint);
    const reject = () => security.getToken(endpoint, { rejectedToken: "token-1" });
    const early = Array.from({ length: 50 }, reject);
    await server.arrived(2);
    const late = Array.from({ length: 50 }, reject);
    const plain = security.getToken(endpoint);
    latch.open();
    const tokens = await Promise.all([...early, ...late, plain]);
    expect(new Set(tokens.map(({ accessToken }) => accessToken))).toEqual(new Set(["token-2"]));
    expect(server.requests).toHaveLength(2);
  });

  test("that this instance never had costs nothing when it has another one", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity(options());
    const endpoint = checkout(server.tokenUrl);
    await security.getToken(endpoint);
    const token = await security.getToken(endpoint, { rejectedToken: "from-elsewhere" });
    expect(token.accessToken).toBe("token-1");
    expect(server.requests).toHaveLength(1);
  });

  test("that the token endpoint issues again is an error of its own, and no loop", async () => {
    const server = await startTokenEndpoint((res) => issue(res, "always-the-same"));
    const security = new EndpointSecurity(options());
    const endpoint = checkout(server.tokenUrl);
    await security.getToken(endpoint);
    const call = security.getAuthHeader(endpoint, { rejectedToken: "always-the-same" });
    await expect(call).rejects.toThrow(TokenRejectedError);
    await expect(call).rejects.toMatchObject({ code: "token_rejected", endpoint: "orders" });
    expect(server.requests.length).toBeLessThanOrEqual(3);
  });

  test("that a flight under way brings is not handed to who refused it", async () => {
    const latch = new Latch();
    const server = await startTokenEndpoint(async (res, count) => {
      if (count === 1) await latch.opened;
      issue(res, `token-${count}`);
    });
    const security = new EndpointSecurity(options());
    const endpoint = checkout(server.tokenUrl);
    const first = security.getToken(endpoint);
    await server.arrived(1);
    const second = security.getToken(endpoint, { rejectedToken: "token-1" });
    latch.open();
    await first;
    expect((await second).accessToken).toBe("token-2");
  });

  test("makes the next events say so", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity(options());
    const obtained: string[] = [];
    security.on("tokenObtained", ({ trigger }) => obtained.push(trigger));
    const endpoint = checkout(server.tokenUrl);
    await security.getToken(endpoint);
    await security.getToken(endpoint, { rejectedToken: "token-1" });
    expect(obtained).toEqual(["missing", "rejected"]);
  });

  test("is given up too where the renewal fails: the call rejects, and the next one asks", async () => {
    const server = await startTokenEndpoint((res, count) => {
      if (count === 2) res.destroy();
      else issue(res, `token-${count}`);
    });
    const security = new EndpointSecurity(options());
    const endpoint = checkoutOnce(server.tokenUrl);
    await security.getToken(endpoint);
    const call = security.getAuthHeader(endpoint, { rejectedToken: "token-1" });
    await expect(call).rejects.toMatchObject({ code: "token_endpoint_unavailable" });
    const next = await security.getToken(endpoint, { rejectedToken: "token-1" });
    expect(next.accessToken).toBe("token-3");
  });
});

test("a rejected token isn't handed to its caller when a straggler refuses an older one meanwhile", async () => {
  const latch = new Latch();
  const server = await startTokenEndpoint(async (res, count) => {
    if (count === 3) await latch.opened;
    issue(res, count === 1 ? "older" : "again-and-again");
  });
  const security = new EndpointSecurity();
  const endpoint = checkout(server.tokenUrl);
  await security.getToken(endpoint);
  await security.getToken(endpoint, { rejectedToken: "older" });
  const call = security.getToken(endpoint, { rejectedToken: "again-and-again" });
  const outcome = call.catch((error: unknown) => error);
  await server.arrived(3);
  const straggler = security.getToken(endpoint, { rejectedToken: "older" });
  const stragglers = straggler.catch((error: unknown) => error);
  latch.open();
  await stragglers;
  expect(await outcome).toBeInstanceOf(TokenRejectedError);
});

describe("a refused token doesn't come back out of a cache", () => {
  /** A token in the cache, and the first instance still open. */
  async function start() {
    const server = await startTokenEndpoint();
    const keyv = new Keyv();
    const set = vi.spyOn(keyv, "set");
    const security = new EndpointSecurity({ cache: keyv });
    const endpoint = checkout(server.tokenUrl);
    await security.getToken(endpoint);
    await vi.waitFor(() => expect(set).toHaveResolvedTimes(1));
    const reject = async (rejectedToken: string) =>
      (await security.getToken(endpoint, { rejectedToken })).accessToken;
    return { set, reject };
  }

  test("that can be read and takes nothing any more", async () => {
    const { set, reject } = await start();
    set.mockRejectedValue(new Error("OOM command not allowed"));
    expect(await reject("token-1")).toBe("token-2");
    await vi.waitFor(() => expect(set).toHaveBeenCalledTimes(2));
    expect(await reject("token-2")).toBe("token-3");
  });

  test("whose write of the next token is under way", async () => {
    const { set, reject } = await start();
    const latch = new Latch();
    onTestFinished(() => latch.open());
    set.mockImplementation(async () => {
      await latch.opened;
      return true;
    });
    expect(await reject("token-1")).toBe("token-2");
    expect(await reject("token-2")).toBe("token-3");
  });
});

describe("after the renewal has failed", () => {
  test("a call that knows of no rejection doesn't get the refused token from the cache", async () => {
    const server = await startTokenEndpoint((res, count) => {
      if (count === 2) res.destroy();
      else issue(res, `token-${count}`);
    });
    const security = new EndpointSecurity({ cache: new Keyv() });
    const endpoint = checkoutOnce(server.tokenUrl);
    await security.getToken(endpoint);
    await expect(security.getToken(endpoint, { rejectedToken: "token-1" })).rejects.toThrow();
    expect((await security.getToken(endpoint)).accessToken).toBe("token-3");
  });
});

describe.each(caches)("invalidate, with %s", (_name, options) => {
  test("forgets the token", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity(options());
    const endpoint = checkout(server.tokenUrl);
    await security.getToken(endpoint);
    await security.invalidate(endpoint);
    expect((await security.getToken(endpoint)).accessToken).toBe("token-2");
  });

  test("with a token forgets it only if it still is that one", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity(options());
    const endpoint = checkout(server.tokenUrl);
    await security.getToken(endpoint);
    await security.invalidate(endpoint, "another");
    expect((await security.getToken(endpoint)).accessToken).toBe("token-1");
    await security.invalidate(endpoint, "token-1");
    expect((await security.getToken(endpoint)).accessToken).toBe("token-2");
    await security.invalidate(endpoint, "token-1");
    expect((await security.getToken(endpoint)).accessToken).toBe("token-2");
    expect(server.requests).toHaveLength(2);
  });

  test("of an endpoint never used does nothing", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity(options());
    await security.invalidate(checkout(server.tokenUrl));
    await security.invalidate(checkout(server.tokenUrl), "whatever");
    expect(server.requests).toHaveLength(0);
  });

  test("leaves other endpoints alone", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity(options());
    const [one, other] = ["a", "b"].map((scope) => checkout(server.tokenUrl, { scope }));
    if (one === undefined || other === undefined) throw new Error("two were made");
    await security.getToken(one);
    await security.getToken(other);
    await security.invalidate(one);
    expect((await security.getToken(other)).accessToken).toBe("token-2");
  });

  test("reaches the other names of the same credentials", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity(options());
    await security.getToken(checkout(server.tokenUrl));
    await security.invalidate(checkout(server.tokenUrl, { name: "the same by another name" }));
    expect((await security.getToken(checkout(server.tokenUrl))).accessToken).toBe("token-2");
  });
});

test("invalidate isn't undone by a write to the cache that was under way", async () => {
  const server = await startTokenEndpoint();
  const keyv = new Keyv();
  const [begun, latch, landed] = [new Latch(), new Latch(), new Latch()];
  const set = keyv.set.bind(keyv);
  vi.spyOn(keyv, "set").mockImplementationOnce(async (key, value, ttl) => {
    begun.open();
    await latch.opened;
    const done = await set(key, value, ttl);
    landed.open();
    return done;
  });
  const security = new EndpointSecurity({ cache: keyv, cacheTimeoutMs: 60_000 });
  const endpoint = checkout(server.tokenUrl);
  await security.getToken(endpoint);
  await begun.opened;
  const invalidated = security.invalidate(endpoint);
  // It may wait for the write, or not; then the write lands.
  await Promise.race([invalidated, turns()]);
  latch.open();
  await Promise.all([invalidated, landed.opened]);
  expect((await security.getToken(endpoint)).accessToken).toBe("token-2");
});

async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test("a second instance that shares the cache takes over what the first one renewed", async () => {
  const server = await startTokenEndpoint();
  const cache = new Keyv();
  const written = vi.spyOn(cache, "set");
  const writes = (count: number) => vi.waitFor(() => expect(written).toHaveResolvedTimes(count));
  const endpoint = checkout(server.tokenUrl);
  const [first, second] = [new EndpointSecurity({ cache }), new EndpointSecurity({ cache })];
  await first.getToken(endpoint);
  await writes(1);
  expect((await second.getToken(endpoint)).accessToken).toBe("token-1");
  await first.getToken(endpoint, { rejectedToken: "token-1" });
  await writes(2);
  const taken = await second.getToken(endpoint, { rejectedToken: "token-1" });
  expect(taken).toMatchObject({ accessToken: "token-2", source: "cache" });
  expect(server.requests).toHaveLength(2);
});
