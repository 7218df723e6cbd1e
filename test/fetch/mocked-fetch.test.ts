import { EndpointSecurity } from "endpoint-security";
import nock from "nock";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { checkout } from "../tokens/token-endpoint.ts";

beforeEach(() => {
  // Another file of tests in the same process may have put the network back.
  if (!nock.isActive()) nock.activate();
  nock.disableNetConnect();
});

afterEach(() => {
  nock.cleanAll();
});

afterAll(() => {
  nock.restore();
});

const endpoint = checkout("https://idp.example.test/token");

test("nock sees token requests and wrapped calls", async () => {
  nock("https://idp.example.test")
    .post("/token", { grant_type: "client_credentials" })
    .basicAuth({ user: "checkout", pass: "checkout-secret" })
    .reply(200, { access_token: "mocked", token_type: "Bearer", expires_in: 60 });
  nock("https://orders.example.test", { reqheaders: { authorization: "Bearer mocked" } })
    .get("/v1/orders/42")
    .query({ full: "yes" })
    .reply(200, { id: 42 });
  const wrapped = new EndpointSecurity().wrapFetch(endpoint);
  const response = await wrapped("/orders/42?full=yes");
  expect(await response.json()).toEqual({ id: 42 });
  expect(nock.isDone()).toBe(true);
});

test("nock sees the renewal after a 401 and the replay", async () => {
  nock("https://idp.example.test")
    .post("/token")
    .reply(200, { access_token: "first", token_type: "Bearer" })
    .post("/token")
    .reply(200, { access_token: "second", token_type: "Bearer" });
  nock("https://orders.example.test")
    .post("/v1/orders", { a: 1 })
    .matchHeader("authorization", "Bearer first")
    .reply(401)
    .post("/v1/orders", { a: 1 })
    .matchHeader("authorization", "Bearer second")
    .reply(201);
  const wrapped = new EndpointSecurity().wrapFetch(endpoint);
  const headers = { "content-type": "application/json" };
  const response = await wrapped("/orders", { method: "POST", body: '{"a":1}', headers });
  expect(response.status).toBe(201);
  expect(nock.isDone()).toBe(true);
});

test("a token request that nock doesn't expect fails without showing the secret", async () => {
  const call = new EndpointSecurity().getAuthHeader(endpoint);
  await expect(call).rejects.toMatchObject({ code: "token_endpoint_unavailable" });
  await expect(call).rejects.not.toThrow("checkout-secret");
});

test("an error that nock makes up is a network error", async () => {
  nock("https://idp.example.test")
    .post("/token")
    .replyWithError(Object.assign(new Error("connection reset"), { code: "ECONNRESET" }));
  const call = new EndpointSecurity().getAuthHeader(endpoint);
  await expect(call).rejects.toMatchObject({
    code: "token_endpoint_unavailable",
    reason: "network",
  });
});
