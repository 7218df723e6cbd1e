import { EndpointSecurity, TokenEndpointUnavailableError } from "endpoint-security";
import { afterEach, describe, expect, test, vi } from "vitest";
import { listen } from "../servers/http-server.ts";
import { Latch } from "../tokens/latch.ts";
import { checkout, issue, startTokenEndpoint } from "../tokens/token-endpoint.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** One attempt, and none kept off by it. */
const once = { tokenRequest: { retries: 0, coolDownMs: 0 } };

async function failureOf(tokenUrl: string, more: object = {}, security = new EndpointSecurity()) {
  const error = await security
    .getAuthHeader(checkout(tokenUrl, more))
    .catch((reason: unknown) => reason);
  if (!(error instanceof TokenEndpointUnavailableError)) {
    throw new Error("expected TokenEndpointUnavailableError", { cause: error });
  }
  expect(error).toMatchObject({
    code: "token_endpoint_unavailable",
    retryable: true,
    endpoint: "orders",
    tokenUrl,
  });
  return error;
}

async function closedPort(): Promise<number> {
  const { port, close } = await listen(() => {});
  await close();
  return port;
}

describe("a token endpoint that can't be reached", () => {
  test("because nobody listens, is a network error", async () => {
    const error = await failureOf(`http://127.0.0.1:${await closedPort()}/token`);
    expect(error.reason).toBe("network");
    expect(error.message).toContain("ECONNREFUSED");
    expect(error.status).toBeUndefined();
  });

  test("because nobody listens on any address of localhost, is a network error", async () => {
    const error = await failureOf(`http://localhost:${await closedPort()}/token`);
    expect(error.reason).toBe("network");
    expect(error.message).toContain("ECONNREFUSED");
  });

  test("because its host has no address, is a DNS error", async () => {
    const error = await failureOf("https://idp.endpoint-security.invalid/token");
    expect(error.reason).toBe("dns");
    expect(error.message).toMatch(/ENOTFOUND|EAI_AGAIN/);
  });

  test.each([
    "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
    "ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED",
  ])("because it ends the TLS handshake (%s), says what may not suit it", async (code) => {
    const cause = Object.assign(new Error("alert"), { code });
    const fetch = () => Promise.reject(new TypeError("fetch failed", { cause }));
    const security = new EndpointSecurity({ fetch });
    const error = await failureOf("https://idp.example.test/token", once, security);
    expect(error.reason).toBe("tls");
    expect(error.message).toContain(`client certificate (${code})`);
  });

  test("because it doesn't speak TLS, says so", async () => {
    const server = await listen((_req, res) => issue(res, "never"));
    const error = await failureOf(`https://127.0.0.1:${server.port}/token`, once);
    await server.close();
    expect(error.reason).toBe("tls");
    expect(error.message).toContain("doesn't speak TLS");
  });

  test("is tried again by the next call", async () => {
    const server = await startTokenEndpoint((res, count) =>
      count === 1 ? void res.destroy() : issue(res, "at-last"),
    );
    const security = new EndpointSecurity();
    await failureOf(server.tokenUrl, once, security);
    expect(await security.getAuthHeader(checkout(server.tokenUrl, once))).toBe("Bearer at-last");
  });
});

describe("a token endpoint that takes too long", () => {
  test("with its headers is a timeout after tokenRequestTimeoutMs", async () => {
    const server = await startTokenEndpoint(() => {});
    const error = await failureOf(server.tokenUrl, { tokenRequest: { timeoutMs: 50 } });
    expect(error.reason).toBe("timeout");
    expect(error.message).toContain("within 50 ms");
  });

  test("is released: the connection is closed", async () => {
    const closed = new Latch();
    const server = await startTokenEndpoint((res) => void res.on("close", () => closed.open()));
    await failureOf(server.tokenUrl, { tokenRequest: { timeoutMs: 1_500 } });
    await closed.opened;
  });

  test("is a timeout after 5 s an attempt and 10 s for all of them, by default", async () => {
    vi.useFakeTimers({ toFake: ["Date", "performance", "setTimeout", "clearTimeout"] });
    const attempts: number[] = [];
    const security = new EndpointSecurity({
      fetch: () => {
        attempts.push(performance.now());
        return new Promise(() => {});
      },
    });
    const outcome = failureOf("https://idp.example.test/token", {}, security);
    let isOver = false;
    void outcome.then(() => {
      isOver = true;
    });
    /** The clock goes on in small steps, with turns of the event loop between, as it does in life. */
    const pass = async (ms: number) => {
      for (let step = 0; step < ms / 10; step++) {
        await vi.advanceTimersByTimeAsync(10);
        await turns();
      }
    };
    while (attempts.length === 0) await turns();
    await pass(4_990);
    expect(attempts).toHaveLength(1);
    await pass(5_000);
    // The second began after a backoff of a quarter of a second at most.
    expect(attempts).toHaveLength(2);
    const [first = 0, second = 0] = attempts;
    expect(second - first).toBeGreaterThanOrEqual(5_000);
    expect(second - first).toBeLessThanOrEqual(5_270);
    expect(isOver).toBe(false);
    await pass(50);
    expect(isOver).toBe(true);
    expect((await outcome).message).toContain("within 10000 ms");
    expect(attempts).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("leaves no timer behind when it answers in time", async () => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    const security = new EndpointSecurity({
      fetch: async () => Response.json({ access_token: "a", token_type: "Bearer" }),
    });
    await security.getAuthHeader(checkout("https://idp.example.test/token"));
    expect(vi.getTimerCount()).toBe(0);
  });
});

async function turns(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}
