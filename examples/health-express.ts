/** A health route in Express 5: JSON for programs, a page for people. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type EndpointConfig, EndpointSecurity, type Explanation } from "endpoint-security";
import express from "express";
import { healthPage } from "./health/page.ts";
import { startLocalServers } from "./local-servers.ts";

await using servers = await startLocalServers();

const orders = {
  name: "orders",
  url: servers.backendUrl, // "https://orders.example.com/v1"
  grantType: "client_credentials",
  tokenUrl: servers.tokenUrl, // "https://idp.example.com/oauth2/token"
  clientId: "checkout",
  clientSecret: "checkout-secret",
} satisfies EndpointConfig;

const security = new EndpointSecurity();
const app = express();

// On an internal port, or behind your login: it names your backends.
app.get("/health/endpoints", (request, response) => {
  const endpoints = security.endpoints();
  response.set("cache-control", "no-store");
  if (request.accepts(["json", "html"]) === "html") response.send(healthPage(endpoints));
  else response.json(endpoints);
});

const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
const health = (accept: string) =>
  fetch(`http://127.0.0.1:${port}/health/endpoints`, { headers: { accept } });

await security.wrapFetch(orders)("/orders/42");

// So it went:
const [endpoint] = (await (await health("application/json")).json()) as Explanation[];
assert.equal(endpoint?.endpoint, "orders");
assert.equal(endpoint?.state, "ready");
const page = await (await health("text/html")).text();
assert.match(page, /<h2>orders <mark[^>]*>ready<\/mark>/);
console.log(`Express: /health/endpoints says that "orders" is ready: ${endpoint?.summary}.`);

server.closeAllConnections();
server.close();
await once(server, "close");
await security.close();
