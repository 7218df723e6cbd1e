/** An axios instance that authorises its requests, and renews a refused token. */
import assert from "node:assert/strict";
import axios from "axios";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { wrapAxios } from "endpoint-security/axios";
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
const client = axios.create({ baseURL: orders.url, timeout: 5_000 });
const unwrap = wrapAxios(client, security, orders);

const { status, data } = await client.get<Seen>("/orders/42", { params: { expand: "items" } });

// So it went:
assert.equal(status, 200);
assert.equal(data.path, "/v1/orders/42");
assert.deepEqual(data.query, { expand: "items" });
assert.equal(data.claims.client_id, "checkout");
console.log(`GET ${data.path} responded ${status} through axios.`);

// A token that the backend suddenly refuses is renewed, and the request sent once more.
servers.backend.revoke((await security.getToken(orders)).accessToken);
const created = await client.post<Seen>("/orders", { item: "book" });
assert.equal(created.status, 200);
assert.deepEqual(created.data.body, { item: "book" });
assert.equal(servers.idp.countTokenRequests(), 2);

// Any other answer is axios' own error, as ever.
const forbidden = await client.get("/admin").catch((error: unknown) => error);
assert.ok(axios.isAxiosError(forbidden));
assert.equal(forbidden.response?.status, 403);

// Taken off again, the instance is as it was.
unwrap();
const bare = await client.get("/orders", { validateStatus: () => true });
assert.equal(bare.status, 401);
console.log("A revoked token was renewed; taken off again, the instance sends none.");
