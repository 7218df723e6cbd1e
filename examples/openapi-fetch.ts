/** A client typed by an OpenAPI description (openapi-fetch), with a wrapped fetch. */
import assert from "node:assert/strict";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import createClient from "openapi-fetch";
import { type Seen, startLocalServers } from "./local-servers.ts";

await using servers = await startLocalServers();

/** As openapi-typescript makes it of a description. */
interface paths {
  "/orders/{id}": {
    get: {
      parameters: { path: { id: number } };
      responses: { 200: { content: { "application/json": Seen } } };
    };
    put: {
      parameters: { path: { id: number } };
      requestBody: { content: { "application/json": { item: string } } };
      responses: { 200: { content: { "application/json": Seen } } };
    };
  };
}

const orders = {
  url: servers.backendUrl, // "https://orders.example.com/v1"
  grantType: "client_credentials",
  tokenUrl: servers.tokenUrl, // "https://idp.example.com/oauth2/token"
  clientId: "checkout",
  clientSecret: "checkout-secret",
} satisfies EndpointConfig;

const security = new EndpointSecurity();
const client = createClient<paths>({ baseUrl: orders.url, fetch: security.wrapFetch(orders) });

const params = { path: { id: 42 } };
const first = await client.GET("/orders/{id}", { params });

// A token that the backend suddenly refuses is renewed, and the request sent once more.
servers.backend.revoke((await security.getToken(orders)).accessToken);
const second = await client.PUT("/orders/{id}", { params, body: { item: "book" } });

// So it went:
assert.equal(first.data?.path, "/v1/orders/42");
assert.equal(first.data.claims.client_id, "checkout");
assert.deepEqual(second.data?.body, { item: "book" });
assert.equal(servers.idp.countTokenRequests(), 2);
console.log("openapi-fetch: two requests authorised, a revoked token renewed between them.");
