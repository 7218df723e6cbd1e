import { EndpointSecurity, TokenRejectedError } from "endpoint-security";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { listen, respond } from "../servers/http-server.ts";
import { checkout, issue, startTokenEndpoint } from "./token-endpoint.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** A backend that refuses every token. */
async function refusingBackend() {
  const sent: (string | undefined)[] = [];
  const server = await listen((req, res) => {
    sent.push(req.headers.authorization);
    respond(res, 401, `refusal ${sent.length}`, { "www-authenticate": 'Bearer realm="orders"' });
  });
  onTestFinished(server.close);
  return { url: server.origin, sent };
}

describe("a backend that refuses every token", () => {
  test.each([
    ["new ones", (count: number) => `token-${count}`],
    ["the same again and again", () => "always-the-same"],
  ])("costs a bounded number of renewals where the server issues %s", async (_what, tokenOf) => {
    const backend = await refusingBackend();
    const server = await startTokenEndpoint((res, count) => issue(res, tokenOf(count)));
    const security = new EndpointSecurity();
    const wrapped = security.wrapFetch(checkout(server.tokenUrl, { url: backend.url }));
    for (let call = 0; call < 30; call++) expect((await wrapped("/")).status).toBe(401);
    expect(server.requests).toHaveLength(6);
  });

  test("has its 401 given to the caller as it came", async () => {
    const backend = await refusingBackend();
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity();
    const endpoint = checkout(server.tokenUrl, {
      url: backend.url,
      renewal: { maxForcedRenewals: 0 },
    });
    const response = await security.wrapFetch(endpoint)("/");
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="orders"');
    expect(await response.text()).toBe("refusal 1");
    expect(backend.sent).toEqual(["Bearer token-1"]);
    expect(server.requests).toHaveLength(1);
  });

  test("is reported by explain, though the token seems to be good", async () => {
    const backend = await refusingBackend();
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity();
    const endpoint = checkout(server.tokenUrl, {
      url: backend.url,
      renewal: { maxForcedRenewals: 1 },
    });
    const wrapped = security.wrapFetch(endpoint);
    for (let call = 0; call < 3; call++) await wrapped("/");
    const { token, lastError } = security.explain(endpoint);
    expect(token).toBe("usable");
    expect(lastError?.code).toBe("token_rejected");
    expect(lastError?.message).toContain("issued one token within");
  });

  test("is no reason to ask, for those who name the refused token themselves", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity();
    const endpoint = checkout(server.tokenUrl, { renewal: { maxForcedRenewals: 1 } });
    await security.getToken(endpoint);
    await security.getToken(endpoint, { rejectedToken: "token-1" });
    const call = security.getToken(endpoint, { rejectedToken: "token-2" });
    await expect(call).rejects.toThrow(TokenRejectedError);
    expect(server.requests).toHaveLength(2);
  });

  test.each(["Bearer token-1", "bearer token-1"])(
    "is understood to refuse %j, too",
    async (header) => {
      const server = await startTokenEndpoint();
      const security = new EndpointSecurity();
      const endpoint = checkout(server.tokenUrl);
      await security.getAuthHeader(endpoint);
      const next = await security.getAuthHeader(endpoint, { rejectedToken: header });
      expect(next).toBe("Bearer token-2");
      await security.invalidate(endpoint, header);
      expect(await security.getAuthHeader(endpoint)).toBe(next);
      await security.invalidate(endpoint, next);
      expect(await security.getAuthHeader(endpoint)).toBe("Bearer token-3");
    },
  );

  test("is given new tokens again when the window is over", async () => {
    const server = await startTokenEndpoint();
    const security = new EndpointSecurity();
    const endpoint = checkout(server.tokenUrl, {
      renewal: { maxForcedRenewals: 1, forcedRenewalWindowMs: 5_000 },
    });
    vi.useFakeTimers({ toFake: ["performance"] });
    await security.getToken(endpoint);
    await security.getToken(endpoint, { rejectedToken: "token-1" });
    vi.advanceTimersByTime(4_999);
    await expect(security.getToken(endpoint, { rejectedToken: "token-2" })).rejects.toThrow();
    vi.advanceTimersByTime(1);
    const token = await security.getToken(endpoint, { rejectedToken: "token-2" });
    expect(token.accessToken).toBe("token-3");
  });
});

test("renewals that the token endpoint fails are not counted: no token was issued", async () => {
  const server = await startTokenEndpoint((res, count) =>
    count > 1 && count < 10 ? respond(res, 503) : issue(res, `token-${count}`),
  );
  const endpoint = checkout(server.tokenUrl, {
    renewal: { maxForcedRenewals: 1 },
    tokenRequest: { retries: 0, coolDownMs: 0 },
  });
  const security = new EndpointSecurity();
  await security.getToken(endpoint);
  const renew = () => security.getToken(endpoint, { rejectedToken: "token-1" });
  for (let call = 2; call < 10; call++) {
    await expect(renew()).rejects.toMatchObject({ code: "token_endpoint_unavailable" });
  }
  expect((await renew()).accessToken).toBe("token-10");
});

test("a thousand callers with the same token refused are one renewal", async () => {
  const server = await startTokenEndpoint();
  const security = new EndpointSecurity();
  const endpoint = checkout(server.tokenUrl, { renewal: { maxForcedRenewals: 1 } });
  await security.getToken(endpoint);
  const renew = () => security.getToken(endpoint, { rejectedToken: "token-1" });
  const tokens = await Promise.all(Array.from({ length: 1_000 }, renew));
  expect(new Set(tokens.map(({ accessToken }) => accessToken))).toEqual(new Set(["token-2"]));
  expect(server.requests).toHaveLength(2);
});
