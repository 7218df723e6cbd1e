import { EndpointSecurity } from "endpoint-security";
import { describe, expect, test } from "vitest";
import { errorOf, pass, scriptedFetch, settle, stopTime, token } from "./fake-time.ts";
import { checkout } from "./token-endpoint.ts";

const tokenUrl = "https://idp.example.test/token";
const status = (code: number, headers: Record<string, string> = {}) =>
  new Response(null, { status: code, headers });

function start(how: Parameters<typeof scriptedFetch>[0], more: object = {}) {
  stopTime();
  const script = scriptedFetch(how);
  const security = new EndpointSecurity({ fetch: script.fetch });
  const call = security.getAuthHeader(checkout(tokenUrl, more));
  call.catch(() => {});
  return { script, call };
}

/** Lets the call begin, then gives it time for backoffs. */
async function wait(ms: number) {
  await settle();
  await pass(ms);
}

describe("a token request", () => {
  test.each([
    ["network trouble", () => "no network" as const],
    ["429", () => status(429)],
    ["500", () => status(500)],
    ["503", () => status(503)],
  ])("is tried twice more on %s", async (_what, trouble) => {
    const { script, call } = start((n) => (n <= 2 ? trouble() : token(n)));
    await wait(2_000);
    expect(await call).toBe("Bearer token-3");
    expect(script.times).toHaveLength(3);
  });

  test("is given up after that", async () => {
    const { script, call } = start(() => status(503));
    await wait(2_000);
    expect(await errorOf(call)).toMatchObject({ code: "token_endpoint_unavailable", status: 503 });
    expect(script.times).toHaveLength(3);
  });

  test("is tried as often as tokenRequestRetries says", async () => {
    const { script, call } = start(() => status(503), { tokenRequest: { retries: 4 } });
    await wait(9_000);
    await errorOf(call);
    expect(script.times).toHaveLength(5);
  });

  test.each([400, 401, 403, 404, 405, 422])("is never tried again on %i", async (code) => {
    const { script, call } = start(() => status(code));
    await wait(5_000);
    expect(await errorOf(call)).toMatchObject({ code: "token_request_rejected", status: code });
    expect(script.times).toHaveLength(1);
  });
});

describe("a token endpoint that isn't ready", () => {
  test.each([408, 425])("is asked again after %i", async (code) => {
    const { script, call } = start((n) => (n === 1 ? status(code) : token(n)));
    await wait(5_000);
    await call;
    expect(script.times).toHaveLength(2);
  });
});

describe("Retry-After", () => {
  test("in seconds is obeyed", async () => {
    const { script, call } = start((n) =>
      n === 1 ? status(429, { "retry-after": "3" }) : token(n),
    );
    await wait(2_999);
    expect(script.times).toHaveLength(1);
    await pass(1);
    expect(await call).toBe("Bearer token-2");
  });

  test.each(["10", "3600"])(
    "of %s s, beyond the deadline, is an error at once",
    async (seconds) => {
      const { script, call } = start(() => status(503, { "retry-after": seconds }));
      expect(await errorOf(call)).toMatchObject({
        code: "token_endpoint_unavailable",
        retryAfterMs: Number(seconds) * 1_000,
      });
      expect(script.times).toHaveLength(1);
    },
  );
});
