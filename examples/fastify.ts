/** A Fastify service whose handlers call a backend. */
import assert from "node:assert/strict";
import { type EndpointConfig, EndpointSecurity, isEndpointSecurityError } from "endpoint-security";
import Fastify from "fastify";
import { type Seen, startLocalServers } from "./local-servers.ts";

await using servers = await startLocalServers();

const orders = {
  name: "orders",
  url: servers.backendUrl, // "https://orders.example.com/v1"
  grantType: "client_credentials",
  tokenUrl: servers.tokenUrl, // "https://idp.example.com/oauth2/token"
  clientId: "checkout",
  clientSecret: "checkout-secret",
} satisfies EndpointConfig;

const app = Fastify();

// One for the whole service, so that all requests share its tokens.
const security = new EndpointSecurity();
app.addHook("onClose", () => security.close());
security.on("tokenRequestFailed", ({ error }) => app.log.error(error));
security.on("challengeMismatch", ({ message }) => app.log.error(message));

const ordersFetch = security.wrapFetch(orders);
app.get<{ Params: { id: string } }>("/checkout/:id", async ({ params }) => {
  const answer = await ordersFetch(`/orders/${encodeURIComponent(params.id)}`);
  return { status: answer.status, order: await answer.json() };
});

// No token to be had is this service's trouble, and not its caller's.
app.setErrorHandler((error, _request, reply) => {
  if (!isEndpointSecurityError(error)) return reply.send(error);
  if (error.retryable) void reply.header("retry-after", "5");
  return reply.code(error.retryable ? 503 : 500).send({ code: error.code });
});

const first = await app.inject("/checkout/42");
const second = await app.inject("/checkout/43");

// So it went:
const { status, order } = first.json<{ status: number; order: Seen }>();
assert.equal(status, 200);
assert.equal(order.path, "/v1/orders/42");
assert.equal(order.claims.client_id, "checkout");
assert.equal(second.statusCode, 200);
assert.equal(servers.idp.countTokenRequests(), 1);

servers.idp.setClientSecret("checkout", "rotated-and-nobody-told-us");
await security.invalidate(orders);
const third = await app.inject("/checkout/44");
assert.equal(third.statusCode, 500);
assert.deepEqual(third.json(), { code: "token_request_rejected" });
console.log("Fastify: two requests with one token; a wrong secret became a 500 that says why.");

await app.close();
