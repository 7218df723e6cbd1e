/** Backends without OAuth 2.0, through the same class and the same wrapper. */
import assert from "node:assert/strict";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { startHeaderBackend } from "./local-servers.ts";

await using stock = await startHeaderBackend("Authorization", "Basic c3ZjOnDDpHNzd29yZA==");
await using maps = await startHeaderBackend("X-API-Key", "key-of-the-shop");

const endpoints = {
  stock: {
    type: "basic",
    url: stock.url, // "https://stock.example.com"
    username: "svc",
    password: "pässword", // sent as UTF-8
  },
  maps: {
    type: "api_key",
    url: maps.url, // "https://maps.example.com"
    headerName: "X-API-Key",
    apiKey: async () => "key-of-the-shop", // read anew for each request: a vault, a file, …
  },
} satisfies Record<string, EndpointConfig>;

const security = new EndpointSecurity();

const stockResponse = await security.wrapFetch(endpoints.stock)("/items/7");
const mapsResponse = await security.wrapFetch(endpoints.maps)("/tiles/3/4");
const headers = await security.getAuthHeaders(endpoints.maps); // for a client that isn't wrapped

// So it went:
assert.equal(stockResponse.status, 200);
assert.equal(mapsResponse.status, 200);
assert.deepEqual(headers, { "X-API-Key": "key-of-the-shop" });
assert.equal((await fetch(`${maps.url}/tiles/3/4`)).status, 401);
console.log("Basic and an API key: both backends responded 200.");
