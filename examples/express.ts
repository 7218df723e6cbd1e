/** An Express 5 service whose handlers call a backend. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type EndpointConfig, EndpointSecurity, isEndpointSecurityError } from "endpoint-security";
import express, { type ErrorRequestHandler } from "express";
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

// One for the whole service, so that all requests share its tokens.
const security = new EndpointSecurity();
const ordersFetch = security.wrapFetch(orders);

const app = express();

app.get("/checkout/:id", async (request, response) => {
  // Whoever goes away is not waited for. A token request that others wait for goes on.
  const left = new AbortController();
  response.once("close", () => left.abort());
  const { signal } = left;
  const answer = await ordersFetch(`/orders/${encodeURIComponent(request.params.id)}`, { signal });
  response.json({ status: answer.status, order: await answer.json() });
});

// No token to be had is this service's trouble, and not its caller's.
const noToken: ErrorRequestHandler = (error, _request, response, next) => {
  if (!isEndpointSecurityError(error)) return next(error);
  if (error.retryable) response.set("retry-after", "5");
  response.status(error.retryable ? 503 : 500).json({ code: error.code });
};
app.use(noToken);

const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);

const first = await get("/checkout/42");
const second = await get("/checkout/43");

// So it went:
const { status, order } = (await first.json()) as { status: number; order: Seen };
assert.equal(status, 200);
assert.equal(order.path, "/v1/orders/42");
assert.equal(order.claims.client_id, "checkout");
assert.equal(second.status, 200);
assert.equal(servers.idp.countTokenRequests(), 1);

servers.idp.setClientSecret("checkout", "rotated-and-nobody-told-us");
await security.invalidate(orders);
const third = await get("/checkout/44");
assert.equal(third.status, 500);
assert.deepEqual(await third.json(), { code: "token_request_rejected" });
console.log("Express: two requests with one token; a wrong secret became a 500 that says why.");

// When the service stops:
server.closeAllConnections();
server.close();
await once(server, "close");
await security.close();
