/** How a service's own unit tests mock the token endpoint and the backend. No server is needed. */
import assert from "node:assert/strict";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import nock from "nock";

// The service:
const ordersEndpoint = {
  url: "https://orders.example.com/v1",
  grantType: "client_credentials",
  tokenUrl: "https://idp.example.com/oauth2/token",
  clientId: "checkout",
  clientSecret: "checkout-secret",
} satisfies EndpointConfig;

class OrderService {
  readonly #fetch: typeof fetch;

  constructor(security: EndpointSecurity) {
    this.#fetch = security.wrapFetch(ordersEndpoint);
  }

  async total(id: number): Promise<number> {
    const response = await this.#fetch(`/orders/${id}`);
    if (!response.ok) throw new Error(`order ${id}: ${response.status}`);
    return ((await response.json()) as { total: number }).total;
  }
}

// Its tests. Token requests and calls go through the global fetch as it is at that moment, so nock
// sees both, whenever it was started. An EndpointSecurity of its own leaves no token to the next.
nock.disableNetConnect();

async function test(title: string, run: (service: OrderService) => Promise<void>) {
  await using security = new EndpointSecurity();
  try {
    await run(new OrderService(security));
    assert.ok(nock.isDone(), `not asked for: ${nock.pendingMocks()}`);
    console.log(`✓ ${title}`);
  } finally {
    nock.cleanAll();
  }
}

const tokenEndpoint = () => nock("https://idp.example.com").post("/oauth2/token");
const tokenAnswer = (access_token: string) => ({
  access_token,
  token_type: "Bearer",
  expires_in: 3600,
});
const orderRequest = (accessToken: string) =>
  nock("https://orders.example.com", { reqheaders: { authorization: `Bearer ${accessToken}` } });

await test("reads an order with one token", async (service) => {
  tokenEndpoint().reply(200, tokenAnswer("token-1"));
  orderRequest("token-1").get("/v1/orders/42").twice().reply(200, { total: 12.5 });

  assert.equal(await service.total(42), 12.5);
  assert.equal(await service.total(42), 12.5);
});

await test("sends the token request that the authorization server expects", async (service) => {
  nock("https://idp.example.com")
    .post("/oauth2/token", { grant_type: "client_credentials" })
    .basicAuth({ user: "checkout", pass: "checkout-secret" })
    .reply(200, tokenAnswer("token-1"));
  orderRequest("token-1").get("/v1/orders/42").reply(200, { total: 12.5 });

  assert.equal(await service.total(42), 12.5);
});

await test("goes on with a new token when the backend refuses the old one", async (service) => {
  tokenEndpoint().reply(200, tokenAnswer("token-1"));
  orderRequest("token-1").get("/v1/orders/42").reply(401);
  tokenEndpoint().reply(200, tokenAnswer("token-2"));
  orderRequest("token-2").get("/v1/orders/42").reply(200, { total: 12.5 });

  assert.equal(await service.total(42), 12.5);
});

await test("says so when the authorization server is down", async (service) => {
  tokenEndpoint().times(4).optionally().reply(503);

  await assert.rejects(service.total(42), { code: "token_endpoint_unavailable", retryable: true });
});
