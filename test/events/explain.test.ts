import { inspect } from "node:util";
import { type EndpointConfig, EndpointSecurity, type TokenCache } from "endpoint-security";
import { createClock, createTokenEndpoint } from "endpoint-security/testing";
import Keyv from "keyv";
import { describe, expect, it, onTestFinished, vi } from "vitest";

const start = "2030-01-01T00:00:00.000Z";

/** An instance and a token endpoint with one clock, and an endpoint. */
async function startEndpoint(options: ConstructorParameters<typeof EndpointSecurity>[0] = {}) {
  const clock = createClock(new Date(start));
  const idp = await createTokenEndpoint({ clock });
  onTestFinished(() => idp.close());
  const security = new EndpointSecurity({ clock, tokenRequest: { retries: 0 }, ...options });
  onTestFinished(() => security.close());
  const orders = {
    name: "orders",
    url: idp.resourceUrl,
    grantType: "client_credentials",
    tokenUrl: idp.tokenUrl,
    clientId: "checkout",
    clientSecret: "canary-secret",
  } satisfies EndpointConfig;
  return { clock, idp, security, orders };
}

describe("explain", () => {
  it("says that an endpoint without a token is idle", async () => {
    const { security, orders } = await startEndpoint();
    expect(security.explain(orders)).toEqual({
      endpoint: "orders",
      type: "oauth2",
      state: "idle",
      summary: "no token yet; the next call requests one",
      transport: { client: "fetch" },
      grantType: "client_credentials",
      tokenUrl: orders.tokenUrl,
      token: "none",
      lastError: undefined,
      forcedRenewalsLeft: 5,
      cache: { kind: "memory" },
    });
  });

  it("says how old a token is, and when it expires and is renewed", async () => {
    const { clock, security, orders } = await startEndpoint({ renewal: { refreshAhead: false } });
    await security.getToken(orders);
    clock.advance(60_000);
    expect(security.explain(orders)).toMatchObject({
      state: "ready",
      summary: "the token is good for another 59 min",
      token: "usable",
      source: "token_endpoint",
      issuedAt: start,
      ageMs: 60_000,
      expiresAt: "2030-01-01T01:00:00.000Z",
      nextRenewalAt: "2030-01-01T00:59:30.000Z",
    });
  });

  it("says that an expired token is replaced at the next call", async () => {
    const { clock, security, orders } = await startEndpoint();
    await security.getToken(orders);
    clock.advance(3_600_000);
    expect(security.explain(orders)).toMatchObject({
      state: "idle",
      token: "expired",
      summary: "the token has expired; the next call requests another one",
    });
  });

  it("says why a token can't be obtained, and when the next attempt is", async () => {
    const { idp, security, orders } = await startEndpoint();
    idp.failWith(503);
    await security.getToken(orders).catch(() => {});
    const explained = security.explain(orders);
    expect(explained).toMatchObject({
      state: "failing",
      token: "none",
      coolDown: "unavailable",
      nextAttemptAt: expect.stringMatching(/^2030-01-01T00:00:0[01]\.\d{3}Z$/),
      lastError: { at: start, code: "token_endpoint_unavailable" },
    });
    expect(explained.summary).toMatch(/^no token: .* responded 503.*; the next attempt is in 1 s$/);
  });

  it("keeps the time and the words of a failure that callers only hear repeated", async () => {
    const { clock, idp, security, orders } = await startEndpoint();
    idp.failWith(503);
    await security.getToken(orders).catch(() => {});
    const before = security.explain(orders).lastError;
    clock.advance(100);
    await security.getToken(orders).catch(() => {});
    expect(security.explain(orders).lastError).toEqual(before);
  });

  it("names the cool-down of a rejected client, and its end", async () => {
    const { clock, idp, security, orders } = await startEndpoint();
    idp.next({ status: 401, body: { error: "invalid_client" } });
    await security.getToken(orders).catch(() => {});
    expect(security.explain(orders)).toMatchObject({ state: "failing", coolDown: "rejected" });
    clock.advance(300_000);
    const later = security.explain(orders);
    expect(later).not.toHaveProperty("coolDown");
    expect(later).not.toHaveProperty("nextAttemptAt");
    expect(later.summary).toMatch(/; the next call tries again$/);
  });

  it("says that a token is still sent while its renewal fails", async () => {
    const { clock, idp, security, orders } = await startEndpoint();
    const { accessToken } = await security.getToken(orders);
    idp.failWith(503);
    clock.advance(3_300_000);
    const failed = new Promise((done) => security.on("tokenRequestFailed", done));
    expect((await security.getToken(orders)).accessToken).toBe(accessToken);
    await failed;
    await vi.waitFor(() => expect(security.explain(orders).state).toBe("degraded"));
    expect(security.explain(orders).summary).toMatch(
      /^the token is sent for another 5 min, but could not be renewed: /,
    );
  });

  it.each([
    [503, "degraded"],
    [400, "failing"],
  ])(
    "says what comes of a renewal that fails with %i right before the expiry: %s",
    async (status, state) => {
      const { clock, idp, security, orders } = await startEndpoint({
        renewal: { refreshAhead: false },
      });
      await security.getToken(orders);
      idp.failWith(status);
      // Within the last 30 s a token is sent only while the token endpoint is unavailable.
      clock.advance(3_580_000);
      const isServed = await security.getToken(orders).then(
        () => true,
        () => false,
      );
      expect(isServed).toBe(state === "degraded");
      expect(security.explain(orders).state).toBe(state);
    },
  );

  it("names the endpoint once, and not again in the summary", async () => {
    const { idp, security, orders } = await startEndpoint();
    idp.failWith(503);
    await security.getToken(orders).catch(() => {});
    expect(security.explain(orders).summary).toMatch(/^no token: the token endpoint /);
  });

  it("counts down the forced renewals, and says when the backend rejects every token", async () => {
    const { idp, security, orders } = await startEndpoint({ renewal: { maxForcedRenewals: 1 } });
    const ordersFetch = security.wrapFetch(orders, {
      fetch: async () => new Response(null, { status: 401 }),
    });
    await ordersFetch("/");
    expect(security.explain(orders)).toMatchObject({ state: "ready", forcedRenewalsLeft: 0 });
    await ordersFetch("/");
    expect(security.explain(orders)).toMatchObject({
      state: "rejected",
      lastError: { code: "token_rejected" },
    });
    expect(idp.requests).toHaveLength(2);
  });

  it("says in words that a backend asks for other credentials", async () => {
    const { security, orders } = await startEndpoint();
    const headers = { "www-authenticate": 'Basic realm="orders"' };
    const response = () => new Response(null, { status: 401, headers });
    await security.wrapFetch(orders, { fetch: async () => response() })("/");
    const { state, summary, challengeMismatch } = security.explain(orders);
    expect(state).toBe("rejected");
    expect(summary).toBe(challengeMismatch?.message);
  });

  it("says that credentials without tokens are ready", async () => {
    const { security } = await startEndpoint();
    expect(security.explain({ type: "basic", username: "u", password: "p" })).toMatchObject({
      state: "ready",
      summary: "the credentials are sent as they are configured",
    });
  });

  it("shows how requests travel, and no password of a proxy", async () => {
    const { security, orders } = await startEndpoint();
    const transport = {
      proxy: "http://user:canary-password@proxy.example.com:3128",
      noProxy: ["127.0.0.1"],
      allowH2: true,
    };
    const explained = security.explain({ ...orders, url: "https://orders.example.com", transport });
    expect(explained.transport).toEqual({
      client: "undici",
      proxy: "http://proxy.example.com:3128",
      allowH2: true,
    });
    expect(inspect(explained)).not.toContain("canary");
  });

  it("shows no proxy where the environment's can't be used", async () => {
    vi.stubEnv("HTTPS_PROXY", "ftp://proxy");
    onTestFinished(() => void vi.unstubAllEnvs());
    const { security, orders } = await startEndpoint();
    const transport = { proxyFromEnvironment: true };
    const explained = security.explain({ ...orders, url: "https://orders.example.com", transport });
    expect(explained.transport).toEqual({ client: "undici" });
  });
});

describe("explain shows a shared cache", () => {
  it("as unused, and as working", async () => {
    const { security, orders } = await startEndpoint({ cache: new Keyv() });
    const cache = { kind: "shared", circuit: "closed" };
    expect(security.explain(orders).cache).toEqual({ ...cache, state: "unused" });
    await security.getToken(orders);
    expect(security.explain(orders).cache).toEqual({ ...cache, state: "working" });
  });

  it("with what failed first, until when it is left alone, and that the next call tries it", async () => {
    const broken = vi.fn(() => Promise.reject(new TypeError("canary")));
    const cache: TokenCache = { get: broken, set: broken, delete: broken };
    const { clock, security, orders } = await startEndpoint({ cache });
    for (const scope of ["a", "b", "c"]) await security.getToken({ ...orders, scope });
    expect(security.explain(orders).cache).toEqual({
      kind: "shared",
      state: "failing",
      circuit: "open",
      nextAttemptAt: expect.stringMatching(/^2030-01-01T00:00:0[01]/),
      lastError: { at: start, operation: "get", message: "TypeError" },
    });
    clock.advance(2_000);
    expect(security.explain(orders).cache).toMatchObject({ circuit: "half_open" });
  });
});

describe("endpoints", () => {
  it("explains every endpoint that was used, in that order", async () => {
    const { security, orders } = await startEndpoint();
    expect(security.endpoints()).toEqual([]);
    await security.getToken(orders);
    await security.getAuthHeader({ name: "files", type: "basic", username: "u", password: "p" });
    await security.getToken({ ...orders });
    expect(security.endpoints().map(({ endpoint, state }) => [endpoint, state])).toEqual([
      ["orders", "ready"],
      ["files", "ready"],
    ]);
    expect(security.endpoints()[0]).toEqual(security.explain(orders));
  });

  it("tells endpoints apart that differ in a number alone", async () => {
    const { security, orders } = await startEndpoint();
    for (const retries of [0, 1, 2]) {
      await security.getToken({ ...orders, tokenRequest: { retries } });
    }
    expect(security.endpoints()).toHaveLength(3);
  });

  it("knows the last thousand", async () => {
    const { security } = await startEndpoint();
    for (let index = 0; index < 1_100; index++) {
      await security.getAuthHeader({ name: `n-${index}`, type: "bearer", token: "t" });
    }
    const names = security.endpoints().map(({ endpoint }) => endpoint);
    expect([names.length, names[0], names.at(-1)]).toEqual([1_000, "n-100", "n-1099"]);
  });

  it("is empty after clear", async () => {
    const { security, orders } = await startEndpoint();
    await security.getToken(orders);
    await security.clear();
    expect(security.endpoints()).toEqual([]);
  });

  it("holds nothing secret", async () => {
    const { security, orders } = await startEndpoint();
    const { accessToken } = await security.getToken(orders);
    const shown = JSON.stringify(security.endpoints()) + inspect(security.endpoints());
    expect(shown).not.toContain("canary");
    expect(shown).not.toContain(accessToken);
  });
});
