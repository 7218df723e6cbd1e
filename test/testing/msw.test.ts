import { EndpointSecurity } from "endpoint-security";
import { tokenEndpointHandlers } from "endpoint-security/testing";
import { http } from "msw";
import { setupServer } from "msw/node";
import { describe, expect, it, onTestFinished } from "vitest";
import { discovered, orders } from "./mocked-orders.ts";

describe("tokenEndpointHandlers", () => {
  it.each([orders, discovered])("are handlers of msw, for %o", async (config) => {
    const server = setupServer(...tokenEndpointHandlers(http, config));
    server.listen({ onUnhandledRequest: "error" });
    onTestFinished(() => server.close());
    expect(await new EndpointSecurity().getAuthHeader(config)).toBe("Bearer test-token");
  });

  it("respond with what they are given", async () => {
    const response = { body: { access_token: "other", token_type: "Bearer" } };
    const server = setupServer(...tokenEndpointHandlers(http, orders, response));
    server.listen({ onUnhandledRequest: "error" });
    onTestFinished(() => server.close());
    expect(await new EndpointSecurity().getAuthHeader(orders)).toBe("Bearer other");
  });
});
