import { EndpointSecurity, TokenRequestRejectedError } from "endpoint-security";
import Keyv from "keyv";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { respond } from "../servers/http-server.ts";
import { Latch } from "./latch.ts";
import { checkout, checkoutOnce, issue, startTokenEndpoint } from "./token-endpoint.ts";

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** A token endpoint that answers once the latch is opened. */
async function heldBack() {
  const latch = new Latch();
  const server = await startTokenEndpoint(async (res, count) => {
    await latch.opened;
    issue(res, `token-${count}`);
  });
  return { server, latch };
}

describe("a thousand cold calls at once", () => {
  test("make one token request and read the secret once", async () => {
    const server = await startTokenEndpoint();
    const clientSecret = vi.fn(async () => "checkout-secret");
    const security = new EndpointSecurity();
    const endpoint = checkout(server.tokenUrl, { clientSecret });
    const headers = await Promise.all(times(1_000, () => security.getAuthHeader(endpoint)));
    expect(new Set(headers)).toEqual(new Set(["Bearer token-1"]));
    expect(server.requests).toHaveLength(1);
    expect(clientSecret).toHaveBeenCalledTimes(1);
  });

  test("make one token request through every way in, with new literals and a shared cache", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity({ cache: new Keyv() });
    const fresh = () => checkout(server.tokenUrl);
    await Promise.all([
      ...times(300, () => security.getAuthHeader(fresh())),
      ...times(300, () => security.getAuthHeaders(fresh())),
      ...times(400, () => security.getToken(fresh())),
    ]);
    expect(server.requests).toHaveLength(1);
  });

  test("make one token request where each literal brings its own secret function", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity();
    const fresh = () => checkout(server.tokenUrl, { clientSecret: () => "checkout-secret" });
    await Promise.all(times(1_000, () => security.getAuthHeader(fresh())));
    expect(server.requests).toHaveLength(1);
  });

  test("make one request again when the token is over", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity();
    const endpoint = checkout(server.tokenUrl);
    await security.getAuthHeader(endpoint);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
    onTestFinished(() => void vi.useRealTimers());
    const headers = await Promise.all(times(1_000, () => security.getAuthHeader(endpoint)));
    expect(new Set(headers)).toEqual(new Set(["Bearer token-2"]));
    expect(server.requests).toHaveLength(2);
  });

  test("share a failure, which is then forgotten", async () => {
    const server = await startTokenEndpoint((res, count) =>
      count === 1 ? respond(res, 400, { error: "invalid_grant" }) : issue(res, `token-${count}`),
    );
    const security = new EndpointSecurity();
    const endpoint = checkoutOnce(server.tokenUrl);
    const outcomes = await Promise.allSettled(times(1_000, () => security.getAuthHeader(endpoint)));
    expect(server.requests).toHaveLength(1);
    for (const outcome of outcomes) {
      expect(outcome.status === "rejected" && outcome.reason).toBeInstanceOf(
        TokenRequestRejectedError,
      );
    }
    expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-2");
  });

  test("each see a shared failure under their own endpoint's name", async () => {
    const latch = new Latch();
    const server = await startTokenEndpoint(async (res) => {
      await latch.opened;
      respond(res, 400, { error: "invalid_scope" });
    });
    const security = new EndpointSecurity();
    const names = ["orders", "invoices", "returns"];
    const calls = names.map((name) => security.getAuthHeader(checkout(server.tokenUrl, { name })));
    const settled = Promise.allSettled(calls);
    await server.arrived(1);
    latch.open();
    const outcomes = await settled;
    expect(server.requests).toHaveLength(1);
    expect(outcomes).toMatchObject(
      names.map((endpoint) => ({
        reason: { endpoint, message: expect.stringContaining(endpoint) },
      })),
    );
  });
});

describe("an abort", () => {
  test("ends only its caller's wait", async () => {
    const { server, latch } = await heldBack();
    const security = new EndpointSecurity();
    const endpoint = checkout(server.tokenUrl);
    const controller = new AbortController();
    const leaving = security.getAuthHeader(endpoint, { signal: controller.signal });
    const staying = [
      security.getAuthHeader(endpoint),
      security.getAuthHeader(endpoint, { signal: new AbortController().signal }),
    ];
    await server.arrived(1);
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(leaving).rejects.toBe(reason);
    latch.open();
    expect(await Promise.all(staying)).toEqual(["Bearer token-1", "Bearer token-1"]);
    expect(server.requests).toHaveLength(1);
  });

  test.each(["first", "last"])(
    "of the %s of three callers leaves the others alone",
    async (which) => {
      const { server, latch } = await heldBack();
      const security = new EndpointSecurity();
      const endpoint = checkout(server.tokenUrl);
      const controllers = times(3, () => new AbortController());
      const calls = controllers.map(({ signal }) => security.getToken(endpoint, { signal }));
      const settled = Promise.allSettled(calls);
      await server.arrived(1);
      controllers.at(which === "first" ? 0 : -1)?.abort();
      latch.open();
      const statuses = (await settled).map(({ status }) => status);
      expect(statuses.sort()).toEqual(["fulfilled", "fulfilled", "rejected"]);
    },
  );

  test("of all callers wastes nothing: the token is there for the next", async () => {
    const { server, latch } = await heldBack();
    const security = new EndpointSecurity();
    const obtained = new Promise((resolve) => security.on("tokenObtained", resolve));
    const endpoint = checkout(server.tokenUrl);
    const controller = new AbortController();
    const calls = times(10, () => security.getToken(endpoint, { signal: controller.signal }));
    const settled = Promise.allSettled(calls);
    await server.arrived(1);
    controller.abort();
    for (const { status } of await settled) expect(status).toBe("rejected");
    latch.open();
    await obtained;
    expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-1");
    expect(server.requests).toHaveLength(1);
  });

  test("of all callers of a request that then fails is no unhandled rejection", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    onTestFinished(() => void process.off("unhandledRejection", unhandled));
    const latch = new Latch();
    const server = await startTokenEndpoint(async (res) => {
      await latch.opened;
      res.destroy();
    });
    const security = new EndpointSecurity();
    const failed = new Promise((resolve) => security.on("tokenRequestFailed", resolve));
    const controller = new AbortController();
    const calls = times(10, () =>
      security.getAuthHeader(checkout(server.tokenUrl), { signal: controller.signal }),
    );
    const settled = Promise.allSettled(calls);
    await server.arrived(1);
    controller.abort();
    await settled;
    latch.open();
    await failed;
    // Node tells of unhandled rejections before the next macrotask.
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).not.toHaveBeenCalled();
  });

  test.each([
    ["an error", new Error("not wanted")],
    ["something that is no error", "not wanted"],
  ])(
    "that came before the call rejects with its reason, %s, and no request",
    async (_what, reason) => {
      const server = await startTokenEndpoint();
      const security = new EndpointSecurity();
      const endpoint = checkout(server.tokenUrl);
      const signal = AbortSignal.abort(reason);
      await expect(security.getAuthHeader(endpoint, { signal })).rejects.toBe(reason);
      await expect(security.getAuthHeaders(endpoint, { signal })).rejects.toBe(reason);
      await expect(security.getToken(endpoint, { signal })).rejects.toBe(reason);
      expect(server.requests).toHaveLength(0);
    },
  );

  test("that came before the call rejects even if there is a token", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity();
    const endpoint = checkout(server.tokenUrl);
    await security.getAuthHeader(endpoint);
    const signal = AbortSignal.abort();
    await expect(security.getAuthHeader(endpoint, { signal })).rejects.toBe(signal.reason);
    await expect(security.getToken(endpoint, { signal })).rejects.toBe(signal.reason);
  });

  test("ends the wait for a secret function", async () => {
    const latch = new Latch();
    onTestFinished(() => latch.open());
    const security = new EndpointSecurity();
    const hanging = async () => {
      await latch.opened;
      return "secret";
    };
    const endpoints = [
      checkout("https://idp.example.test/token", { clientSecret: hanging }),
      { name: "basic", type: "basic", username: "svc", password: hanging },
      { name: "api_key", type: "api_key", headerName: "X-API-Key", apiKey: hanging },
    ] as const;
    for (const endpoint of endpoints) {
      const controller = new AbortController();
      const call = security.getAuthHeader(endpoint, { signal: controller.signal });
      controller.abort(new Error("enough"));
      const outcome = await Promise.race([call, soon()]).catch((error: unknown) => error);
      expect(outcome, endpoint.name).toMatchObject({ message: "enough" });
    }
  });

  test("leaves no listeners on a signal that many calls share", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity();
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, "addEventListener");
    const remove = vi.spyOn(signal, "removeEventListener");
    for (const scope of ["a", "b", "c"]) {
      await security.getToken(checkout(server.tokenUrl, { scope }), { signal });
    }
    expect(add.mock.calls.length).toBeGreaterThan(0);
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
  });
});

/** A few turns of the event loop: enough for anything that waits for nothing. */
async function soon(): Promise<string> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  return "nothing happened";
}
