import { EndpointSecurity } from "endpoint-security";
import { fakeSecurity } from "endpoint-security/testing";
import { describe, expect, it } from "vitest";

const orders = {
  name: "orders",
  url: "https://orders.example.com/v1",
  grantType: "client_credentials",
  tokenUrl: "https://idp.example.com/token",
  clientId: "checkout",
  clientSecret: "secret",
} as const;
const { tokenUrl: _, ...client } = orders;
const discovered = { ...client, issuer: "https://idp.example.com" } as const;

describe("A fake security", () => {
  it("is an EndpointSecurity with a fixed token, and records its calls", async () => {
    const security = fakeSecurity({ token: "test-token" });
    expect(security).toBeInstanceOf(EndpointSecurity);
    expect(await security.getAuthHeader(orders)).toBe("Bearer test-token");
    expect(await security.getAuthHeaders(discovered)).toEqual({
      Authorization: "Bearer test-token",
    });
    expect((await security.getToken(orders)).accessToken).toBe("test-token");
    await security.invalidate(orders);
    expect(security.calls).toEqual([
      { method: "getAuthHeader", endpoint: orders },
      { method: "getAuthHeaders", endpoint: discovered },
      { method: "getToken", endpoint: orders },
      { method: "invalidate", endpoint: orders },
    ]);
  });

  it("wraps clients as the real one does", async () => {
    const security = fakeSecurity();
    const ordersFetch = security.wrapFetch(orders, {
      fetch: async (url, init) =>
        Response.json([String(url), new Headers(init?.headers).get("authorization")]),
    });
    const response = await ordersFetch("/orders/42");
    expect(await response.json()).toEqual([
      "https://orders.example.com/v1/orders/42",
      "Bearer fake-token",
    ]);
  });

  it("rejects the next calls as it is told, and no others", async () => {
    const security = fakeSecurity();
    security.rejectNext();
    security.rejectNext(new RangeError("mine"));
    await expect(security.getAuthHeader(orders)).rejects.toMatchObject({
      code: "token_endpoint_unavailable",
    });
    await expect(security.getToken(orders)).rejects.toThrow("mine");
    expect(await security.getAuthHeader(orders)).toBe("Bearer fake-token");
  });

  it("still finds the mistakes in a configuration", async () => {
    const wrong = { ...orders, clientSecret: "" };
    await expect(fakeSecurity().getAuthHeader(wrong)).rejects.toMatchObject({
      problems: [expect.objectContaining({ path: "clientSecret" })],
    });
  });
});
