/** What can go wrong, how a service tells it apart, and what it can listen to. */
import assert from "node:assert/strict";
import { type EndpointConfig, EndpointSecurity, isEndpointSecurityError } from "endpoint-security";
import { startLocalServers } from "./local-servers.ts";

await using servers = await startLocalServers();

const orders = {
  name: "orders", // what errors and events call it
  url: servers.backendUrl,
  grantType: "client_credentials",
  tokenUrl: servers.tokenUrl,
  clientId: "checkout",
  clientSecret: "checkout-secret",
} satisfies EndpointConfig;

const security = new EndpointSecurity();

security.on("tokenObtained", ({ endpoint, durationMs, trigger }) => {
  log(`${endpoint}: a token in ${durationMs} ms, trigger: ${trigger}`);
});
security.on("tokenRequestFailed", ({ endpoint, error }) => log(`${endpoint}: ${error.code}`));
security.on("credentialsRejected", ({ endpoint, status, replayed }) => {
  log(`${endpoint}: the backend responded ${status}, sent again: ${replayed}`);
});

/** Whether to try again, to wake somebody, or to fix the code. */
function advice(error: unknown): string {
  if (!isEndpointSecurityError(error)) throw error;
  switch (error.code) {
    case "invalid_configuration":
      return `fix ${error.problems.map(({ path }) => path).join(", ")}`;
    case "token_request_rejected":
      return `ask who runs ${new URL(error.tokenUrl).pathname}: ${error.error}`;
    case "token_endpoint_unavailable":
      return `again in ${error.retryAfterMs ?? 1_000} ms (${error.reason})`;
    case "destination_refused":
      return "use a relative URL";
    default:
      return error.retryable ? "again later" : error.message;
  }
}

// So it goes:
const lines: string[] = [];
function log(line: string): void {
  lines.push(line.replace(/\d+ ms/, "n ms"));
  console.log(`  ${line}`);
}
async function adviceFor(call: () => Promise<unknown>): Promise<string> {
  const error = await call().then(
    () => assert.fail("it should have failed"),
    (reason: unknown) => reason,
  );
  const given = advice(error);
  console.log(`→ ${given}`);
  return given;
}

const ordersFetch = security.wrapFetch(orders);
assert.equal((await ordersFetch("/orders")).status, 200);
servers.backend.revoke((await security.getToken(orders)).accessToken);
assert.equal((await ordersFetch("/orders")).status, 200);
assert.deepEqual(lines.splice(0), [
  "orders: a token in n ms, trigger: missing",
  "orders: a token in n ms, trigger: rejected",
  "orders: the backend responded 401, sent again: true",
]);

const wrong = { ...orders, clientSecret: "wrong" };
const refused = await adviceFor(() => security.getAuthHeader(wrong));
assert.equal(refused, "ask who runs /token: invalid_client");
assert.deepEqual(lines.splice(0), ["orders: token_request_rejected"]);
assert.equal(security.explain(wrong).lastError?.code, "token_request_rejected");

servers.idp.failNext(Number.POSITIVE_INFINITY, 503, {}, { "retry-after": "7" });
const down = await adviceFor(() => security.getAuthHeader({ ...orders, scope: "orders:read" }));
assert.equal(down, "again in 7000 ms (status)");

const mistyped = { ...orders, clientSecret: "******", scpoe: "orders:read" };
assert.equal(await adviceFor(() => security.getAuthHeader(mistyped)), "fix clientSecret, scpoe");

const elsewhere = await adviceFor(() => ordersFetch("https://elsewhere.example.com/orders"));
assert.equal(elsewhere, "use a relative URL");
