/** Node's http: through undici, for a whole service at once; and by headers, for `http.request`. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { json } from "node:stream/consumers";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { authInterceptor } from "endpoint-security/undici";
import { Agent, type Dispatcher, request, setGlobalDispatcher, stream } from "undici";
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

/** Requests to the endpoint's origin are authorised. All others, token requests too, stay as they are. */
function authorising(endpoint: EndpointConfig & { readonly url: string }) {
  const { origin } = new URL(endpoint.url);
  const interceptor = authInterceptor(security, endpoint);
  return (dispatch: Dispatcher["dispatch"]): Dispatcher["dispatch"] => {
    const authorised = interceptor(dispatch);
    return (options, handler) =>
      String(options.origin) === origin ? authorised(options, handler) : dispatch(options, handler);
  };
}

const agent = new Agent();
setGlobalDispatcher(agent.compose(authorising(orders))); // one for each endpoint

// From here on whatever goes through undici is authorised, Node's own fetch too:
const requested = await request(`${orders.url}/orders/42`);
const streamed = new PassThrough();
await stream(`${orders.url}/orders/43`, { method: "GET" }, () => streamed);
const fetched = await fetch(`${orders.url}/orders/44`);
const elsewhere = await request(`${servers.idp.issuer}/.well-known/openid-configuration`);

// So it went:
const seen = [await requested.body.json(), await json(streamed), await fetched.json()] as Seen[];
assert.deepEqual(
  seen.map(({ path }) => path),
  ["/v1/orders/42", "/v1/orders/43", "/v1/orders/44"],
);
assert.ok(seen.every(({ claims }) => claims.client_id === "checkout"));
assert.equal(elsewhere.statusCode, 200);
await elsewhere.body.dump();
assert.equal(servers.idp.countTokenRequests(), 1);
console.log("undici's request and stream, and fetch: authorised by the global dispatcher.");

// Node's own http.request doesn't go through undici: it takes the headers.
async function send(path: string, rejectedToken?: string): Promise<IncomingMessage> {
  const headers = await security.getAuthHeaders(orders, { rejectedToken });
  const outgoing = httpRequest(`${orders.url}${path}`, { headers }).end();
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  if (response.statusCode !== 401 || rejectedToken !== undefined) return response;
  // Refused: once more with another token. The one that was sent is told, so that it never comes back.
  response.resume();
  return send(path, headers.Authorization?.replace(/^Bearer /, ""));
}

servers.backend.revoke((await security.getToken(orders)).accessToken);
const answer = await send("/orders/45");

// So it went:
assert.equal(answer.statusCode, 200);
assert.equal(((await json(answer)) as Seen).path, "/v1/orders/45");
assert.equal(servers.idp.countTokenRequests(), 2);
console.log("http.request: a revoked token renewed, and the request sent once more.");

await agent.close();
