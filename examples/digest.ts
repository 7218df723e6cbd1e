/** A backend with HTTP Digest authentication, through a wrapper and through a client of your own. */
import assert from "node:assert/strict";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { startDigestBackend } from "./local-servers.ts";

await using backend = await startDigestBackend("svc", "pässword");

const files = {
  type: "digest",
  url: backend.url, // "https://files.example.com"
  username: "svc",
  password: async () => "pässword", // read anew for each request: a vault, a file, …
} satisfies EndpointConfig;

const security = new EndpointSecurity();

// The first request is sent twice, to be asked for credentials; all others once.
const filesFetch = security.wrapFetch(files);
const first = await filesFetch("/reports/1");
const second = await filesFetch("/reports/2");

// A client that isn't wrapped passes on what it was asked.
const url = `${files.url}/reports/3`;
const own = new EndpointSecurity();
const refused = await fetch(url);
const challenge = refused.headers.get("www-authenticate") ?? "";
const headers = await own.getAuthHeaders(files, { request: { method: "GET", url }, challenge });
const third = await fetch(url, { headers });

// So it went:
assert.deepEqual([first.status, second.status, third.status], [200, 200, 200]);
assert.deepEqual(backend.statuses(), [401, 200, 200, 401, 200]);
console.log(`Digest: three answers of 200, asked for credentials twice.`);
