/** got, which isn't made of fetch: hooks ask for the header, and for another one after a 401. */
import assert from "node:assert/strict";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import got from "got";
import { type Seen, startLocalServers } from "./local-servers.ts";

await using servers = await startLocalServers();

const orders = {
  url: servers.backendUrl, // "https://orders.example.com/v1"
  grantType: "client_credentials",
  tokenUrl: servers.tokenUrl, // "https://idp.example.com/oauth2/token"
  clientId: "checkout",
  clientSecret: "checkout-secret",
} satisfies EndpointConfig;

const security = new EndpointSecurity();
const client = got.extend({
  prefixUrl: orders.url,
  responseType: "json",
  followRedirect: false, // got would take the header along to wherever a redirect leads
  hooks: {
    beforeRequest: [
      async (options) => {
        const isEndpoint = String(options.url).startsWith(`${orders.url}/`);
        if (!isEndpoint) throw new Error("not the endpoint: no credentials go there");
        options.headers.authorization ??= await security.getAuthHeader(orders);
      },
    ],
    afterResponse: [
      async (response, retryWithMergedOptions) => {
        if (response.statusCode !== 401) return response;
        const sent = String(response.request.options.headers.authorization);
        const rejectedToken = sent.replace("Bearer ", "");
        const authorization = await security.getAuthHeader(orders, { rejectedToken });
        return retryWithMergedOptions({ headers: { authorization } });
      },
    ],
  },
});

const first = await client.get<Seen>("orders/42", { searchParams: { expand: "items" } });

// A token that the backend suddenly refuses is renewed, and the request sent once more.
servers.backend.revoke((await security.getToken(orders)).accessToken);
const second = await client.post<Seen>("orders", { json: { item: "book" } });

// So it went:
assert.equal(first.body.path, "/v1/orders/42");
assert.equal(first.body.claims.client_id, "checkout");
assert.deepEqual(second.body.body, { item: "book" });
assert.equal(servers.idp.countTokenRequests(), 2);
console.log("got: two requests authorised, a revoked token renewed between them.");
