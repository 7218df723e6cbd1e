import { EndpointSecurity } from "endpoint-security";
import { mockTokenEndpoint } from "endpoint-security/testing";
import nock from "nock";
import { MockAgent, fetch as undiciFetch } from "undici";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { discovered, orders } from "./mocked-orders.ts";

const sent = {
  grantType: "client_credentials",
  clientId: "checkout",
  parameters: { grant_type: "client_credentials", scope: "orders.read" },
};

afterEach(() => {
  nock.cleanAll();
  nock.restore();
});

/** An instance whose requests undici's mocks see, whatever version Node.js has inside. */
function withAgent() {
  const agent = new MockAgent();
  agent.disableNetConnect();
  onTestFinished(() => agent.close());
  const fetch = ((input, init) =>
    undiciFetch(input as string, {
      ...(init as object),
      dispatcher: agent,
    })) as typeof globalThis.fetch;
  return { agent, security: new EndpointSecurity({ fetch }) };
}

describe("mockTokenEndpoint", () => {
  it("has nock return a token, and records the token requests", async () => {
    if (!nock.isActive()) nock.activate();
    const { requests } = mockTokenEndpoint(nock, orders);
    expect(await new EndpointSecurity().getAuthHeader(orders)).toBe("Bearer test-token");
    expect(await new EndpointSecurity().getAuthHeader(orders)).toBe("Bearer test-token");
    expect(requests).toMatchObject([sent, sent]);
  });

  it("has nock return what it is given, for an issuer too", async () => {
    if (!nock.isActive()) nock.activate();
    mockTokenEndpoint(nock, discovered, { status: 400, body: { error: "invalid_scope" } });
    await expect(new EndpointSecurity().getToken(discovered)).rejects.toMatchObject({
      error: "invalid_scope",
    });
  });

  it("has a MockAgent return a token, and records the token requests", async () => {
    const { agent, security } = withAgent();
    const { requests } = mockTokenEndpoint(agent, orders);
    expect(await security.getAuthHeader(orders)).toBe("Bearer test-token");
    expect(requests).toMatchObject([sent]);
  });

  it("has a MockAgent return what it is given, for an issuer too", async () => {
    const { agent, security } = withAgent();
    const headers = { "retry-after": "7" };
    mockTokenEndpoint(agent, discovered, { status: 503, body: "down", headers });
    await expect(security.getToken(discovered)).rejects.toMatchObject({
      code: "token_endpoint_unavailable",
      retryAfterMs: 7_000,
    });
  });

  it("says what is missing in a configuration without a token endpoint", () => {
    expect(() => mockTokenEndpoint(nock, {})).toThrow("neither tokenUrl nor issuer");
  });
});
