/** A small egress proxy: adds credentials to whatever passes, for services that aren't written in Node. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type EndpointConfig, EndpointSecurity, isEndpointSecurityError } from "endpoint-security";
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

const security = new EndpointSecurity();
/** The first part of the path says which backend is meant. */
const backends = new Map([["orders", security.wrapFetch(orders)]]);
/** Of one connection, and not of what is sent through it; `fetch` takes the body apart anew. */
const hopByHop =
  /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|host|content-length|expect)$/;
const decoded = /^content-encoding$/;

const proxy = createServer(async (incoming, outgoing) => {
  const [, name = "", rest = ""] = /^\/([^/?]*)(.*)$/.exec(incoming.url ?? "") ?? [];
  const backend = backends.get(name);
  if (backend === undefined) return void outgoing.writeHead(404).end();
  const left = new AbortController();
  outgoing.once("close", () => left.abort());
  const method = incoming.method ?? "GET";
  const headers = Object.entries(incoming.headers)
    .filter(([header]) => !hopByHop.test(header))
    .map(([header, value]): [string, string] => [header, String(value)]);
  try {
    const answer = await backend(rest, {
      method,
      headers,
      redirect: "manual",
      signal: left.signal,
      // Read whole, so that it can be sent once more after a 401. A stream can't.
      ...(method !== "GET" && method !== "HEAD" && { body: await bytesOf(incoming) }),
    });
    outgoing.statusCode = answer.status;
    for (const [header, value] of answer.headers) {
      if (!hopByHop.test(header) && !decoded.test(header)) outgoing.appendHeader(header, value);
    }
    if (answer.body === null) outgoing.end();
    else await pipeline(Readable.fromWeb(answer.body as never), outgoing);
  } catch (error) {
    if (outgoing.headersSent) return void outgoing.destroy();
    const retryable = isEndpointSecurityError(error) && error.retryable;
    outgoing.writeHead(retryable ? 503 : 502).end(isEndpointSecurityError(error) ? error.code : "");
  }
});

async function bytesOf(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > 10 * 1024 * 1024) throw new Error("too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

// For this machine alone: whoever reaches it has the credentials.
proxy.listen(0, "127.0.0.1");
await once(proxy, "listening");
const base = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

// What a service in any language does:
const first = await fetch(`${base}/orders/42?expand=items`);
servers.backend.revoke((await security.getToken(orders)).accessToken);
const second = await fetch(`${base}/orders/43`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: '{"item":"book"}',
});

// So it went:
const seen = (await first.json()) as Seen;
assert.equal(first.status, 200);
assert.equal(seen.path, "/v1/42");
assert.deepEqual(seen.query, { expand: "items" });
assert.equal(seen.claims.client_id, "checkout");
assert.deepEqual(((await second.json()) as Seen).body, { item: "book" });
assert.equal(servers.idp.countTokenRequests(), 2);
assert.equal((await fetch(`${base}/unknown/42`)).status, 404);
assert.equal((await fetch(`${base}/orders/../../admin`)).status, 404);
console.log("The proxy added a token to two requests, and renewed it after a 401.");

proxy.closeAllConnections();
proxy.close();
