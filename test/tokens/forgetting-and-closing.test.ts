import { EndpointSecurity, type TokenCache } from "endpoint-security";
import { describe, expect, test } from "vitest";
import { errorOf, scriptedFetch, settle, token } from "./fake-time.ts";
import { checkout } from "./token-endpoint.ts";

const tokenUrl = "https://idp.example.test/token";

/** A cache over a map whose reads can be held up. */
function heldCache() {
  const map = new Map<string, unknown>();
  let gate: Promise<void> = Promise.resolve();
  let closed = 0;
  const used: string[] = [];
  const cache: TokenCache = {
    async get(key) {
      used.push("get");
      const value = map.get(key);
      await gate;
      return value;
    },
    async set(key, value) {
      used.push("set");
      map.set(key, value);
    },
    async delete(key) {
      map.delete(key);
    },
    async close() {
      closed++;
    },
  };
  const hold = () => {
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    return open;
  };
  return { cache, map, hold, used, closed: () => closed };
}

describe("invalidate", () => {
  test("forgets a token for good, also while another call reads it from the shared cache", async () => {
    const { fetch } = scriptedFetch();
    const { cache, hold } = heldCache();
    const endpoint = checkout(tokenUrl);
    await new EndpointSecurity({ fetch, cache }).getToken(endpoint);
    await settle();
    const security = new EndpointSecurity({ fetch, cache });
    const open = hold();
    const meanwhile = security.getToken(endpoint);
    await settle();
    const forgetting = security.invalidate(endpoint);
    await settle();
    open();
    await Promise.all([meanwhile, forgetting]);
    expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-2");
  });

  test("forgets failures, too", async () => {
    const { fetch, times } = scriptedFetch((n) =>
      n === 1 ? Response.json({ error: "invalid_client" }, { status: 401 }) : token(n),
    );
    const security = new EndpointSecurity({ fetch });
    const endpoint = checkout(tokenUrl, { clientSecret: "s" });
    await errorOf(security.getToken(endpoint));
    expect(security.explain(endpoint)).toMatchObject({
      nextAttemptAt: expect.stringMatching(/^\d{4}-.*Z$/),
      lastError: { code: "token_request_rejected" },
    });
    await errorOf(security.getToken(endpoint));
    const before = times.length;
    await security.invalidate(endpoint);
    expect(await security.getAuthHeader(endpoint)).toMatch(/^Bearer /);
    expect(times.length).toBe(before + 1);
    expect(security.explain(endpoint)).not.toHaveProperty("nextAttemptAt");
  });
});

describe("clear", () => {
  test("makes an instance as new: tokens and failures are gone, listeners and wrappers stay", async () => {
    const { fetch, times } = scriptedFetch();
    const security = new EndpointSecurity({ fetch });
    const seen: string[] = [];
    security.on("tokenObtained", ({ trigger }) => seen.push(trigger));
    const endpoint = checkout(tokenUrl);
    await security.getToken(endpoint);
    await security.clear();
    expect(security.explain(endpoint).token).toBe("none");
    expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-2");
    expect(times).toHaveLength(2);
    expect(seen).toEqual(["missing", "missing"]);
  });
});

describe("close", () => {
  test("waits for token requests that are under way, and opens no cache after it", async () => {
    let answer = (_: Response) => {};
    const fetch = () =>
      new Promise<Response>((resolve) => {
        answer = resolve;
      });
    const { cache, used, closed } = heldCache();
    const security = new EndpointSecurity({ fetch, cache });
    const call = security.getToken(checkout(tokenUrl));
    await settle();
    const closing = security.close();
    await settle();
    expect(closed()).toBe(0);
    answer(token(1));
    await Promise.all([call, closing]);
    expect(closed()).toBe(1);
    const before = used.length;
    await settle();
    expect(used.length).toBe(before);
  });
});

describe("a refresh token", () => {
  const withRefresh = (n: number, more: object = {}) =>
    token(n, { expires_in: 1e-2, refresh_token: `refresh-${n}`, ...more });
  const config = { grantType: "password", username: "u", password: "p" } as const;

  test("isn't sent again after its answer was lost: the grant itself is requested", async () => {
    const sent: string[] = [];
    const { fetch } = scriptedFetch((n, body) => {
      const form = new URLSearchParams(body);
      sent.push(form.get("refresh_token") ?? String(form.get("grant_type")));
      if (form.has("refresh_token")) return "no network";
      return withRefresh(n, { expires_in: n === 1 ? 1 : 3600 });
    });
    const security = new EndpointSecurity({ fetch });
    const endpoint = { ...checkout(tokenUrl), ...config, renewal: { expirySkewMs: 0 } };
    const { expiresAt } = await security.getToken(endpoint);
    while (Date.now() <= expiresAt) await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await security.getToken(endpoint)).accessToken).toBe("token-3");
    expect(sent).toEqual(["password", "refresh-1", "password"]);
  });

  test("that a strategy has as its own credential gives way to the rotated one", async () => {
    const sent: (string | null)[] = [];
    const { fetch } = scriptedFetch((n, body) => {
      sent.push(new URLSearchParams(body).get("refresh_token"));
      return withRefresh(n, { expires_in: n === 1 ? 1 : 3600 });
    });
    const strategy = {
      grantType: "urn:example:stored",
      credentials: { refreshToken: "required" },
      refreshTokens: true,
      parameters: (fields: { refreshToken: string }) => ({ refresh_token: fields.refreshToken }),
    } as const;
    const security = new EndpointSecurity({ fetch, grants: [strategy] });
    const endpoint = {
      ...checkout(tokenUrl),
      grantType: "urn:example:stored" as const,
      refreshToken: "stored",
      renewal: { expirySkewMs: 0 },
    };
    const { expiresAt } = await security.getToken(endpoint);
    while (Date.now() <= expiresAt) await new Promise((resolve) => setTimeout(resolve, 20));
    await security.getToken(endpoint);
    expect(sent).toEqual(["stored", "refresh-1"]);
  });
});

describe("flights, failures and tokens", () => {
  test("of the same identity on two ways are kept apart", async () => {
    const fetch: typeof globalThis.fetch = async (_input, init) => {
      if (Reflect.has(init ?? {}, "dispatcher")) throw new TypeError("fetch failed");
      return token(1);
    };
    const security = new EndpointSecurity({ fetch });
    const direct = checkout(tokenUrl, { tokenRequest: { retries: 0 } });
    const proxied = { ...direct, transport: { proxy: "http://127.0.0.1:1" } };
    const failing = errorOf(security.getToken(proxied));
    expect((await security.getToken(direct)).accessToken).toBe("token-1");
    expect((await failing).code).toBe("token_endpoint_unavailable");
  });

  test("of eight callers with eight old tokens are one, and nobody is turned away", async () => {
    const { fetch, times } = scriptedFetch();
    const security = new EndpointSecurity({ fetch });
    const calls = Array.from({ length: 8 }, (_, n) =>
      security.getAuthHeader(checkout(tokenUrl), { rejectedToken: `old-${n}` }),
    );
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["Bearer token-1"]));
    expect(times).toHaveLength(1);
  });

  test("take an empty rejectedToken for none", async () => {
    const { fetch, times } = scriptedFetch();
    const security = new EndpointSecurity({ fetch });
    for (let call = 0; call < 9; call++) {
      await security.getAuthHeader(checkout(tokenUrl), { rejectedToken: "" });
    }
    expect(times).toHaveLength(1);
  });

  test("share the cap on forced renewals under however many names", async () => {
    const { fetch, times } = scriptedFetch();
    const security = new EndpointSecurity({ fetch });
    for (let name = 0; name < 20; name++) {
      const endpoint = checkout(tokenUrl, { name: `name-${name}` });
      const { accessToken } = await security.getToken(endpoint);
      await security.getToken(endpoint, { rejectedToken: accessToken }).catch(() => {});
    }
    expect(times.length).toBeLessThanOrEqual(6);
  });
});

describe("a cache whose clock or leases throw", () => {
  test.each([
    ["now", { now: () => Number.NaN }],
    [
      "now",
      {
        now() {
          throw new Error("clock");
        },
      },
    ],
    [
      "leases",
      {
        get leases(): never {
          throw new Error("leases");
        },
      },
    ],
  ])("(%s) fails no call", async (_what, broken) => {
    const { fetch } = scriptedFetch();
    const { cache } = heldCache();
    const given = Object.defineProperties({ ...cache }, Object.getOwnPropertyDescriptors(broken));
    const security = new EndpointSecurity({ fetch, cache: given });
    expect(await security.getAuthHeader(checkout(tokenUrl))).toBe("Bearer token-1");
  });
});

describe("a token that stands for somebody else and comes from a function", () => {
  test("is asked for at each call, so that no caller gets another's token", async () => {
    const { fetch } = scriptedFetch((_n, body) =>
      token(0, { access_token: `for-${new URLSearchParams(body).get("subject_token")}` }),
    );
    const security = new EndpointSecurity({ fetch });
    const { AsyncLocalStorage } = await import("node:async_hooks");
    const user = new AsyncLocalStorage<string>();
    const endpoint = {
      ...checkout(tokenUrl),
      grantType: "urn:ietf:params:oauth:grant-type:token-exchange" as const,
      subjectToken: () => user.getStore() ?? "nobody",
    };
    const call = (name: string) => user.run(name, () => security.getAuthHeader(endpoint));
    const both = () => Promise.all(["ada", "bob"].map(call));
    expect(await both()).toEqual(["Bearer for-ada", "Bearer for-bob"]);
    expect(await both()).toEqual(["Bearer for-ada", "Bearer for-bob"]);
  });
});
