/** A health route in Fastify: JSON for programs, a page for people. */
import assert from "node:assert/strict";
import { type EndpointConfig, EndpointSecurity, type Explanation } from "endpoint-security";
import Fastify from "fastify";
import { healthPage } from "./health/page.ts";
import { startLocalServers } from "./local-servers.ts";

await using servers = await startLocalServers();

const orders = {
  name: "orders",
  url: servers.backendUrl, // "https://orders.example.com/v1"
  grantType: "client_credentials",
  tokenUrl: servers.tokenUrl, // "https://idp.example.com/oauth2/token"
  clientId: "checkout",
  clientSecret: "not-the-secret",
} satisfies EndpointConfig;

const security = new EndpointSecurity();
const app = Fastify();
app.addHook("onClose", () => security.close());

// On an internal port, or behind your login: it names your backends.
app.get("/health/endpoints", async (request, reply) => {
  const endpoints = security.endpoints();
  void reply.header("cache-control", "no-store");
  if (!request.headers.accept?.includes("text/html")) return endpoints;
  return reply.type("text/html").send(healthPage(endpoints));
});

await security.getAuthHeader(orders).catch(() => {});

// So it went:
const [endpoint] = (await app.inject("/health/endpoints")).json<Explanation[]>();
assert.equal(endpoint?.state, "failing");
assert.equal(endpoint?.lastError?.code, "token_request_rejected");
const page = await app.inject({ url: "/health/endpoints", headers: { accept: "text/html" } });
assert.match(page.body, /<h2>orders <mark[^>]*>failing<\/mark>/);
console.log(`Fastify: /health/endpoints says why "orders" is failing: ${endpoint?.summary}.`);

await app.close();
