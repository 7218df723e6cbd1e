// One of the processes that start cold at once: asked "ours" or "by-hand", it says how long its callers took.
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { createRedisCache } from "endpoint-security/redis";
import { headerByHand } from "./by-hand.ts";
import type { FleetTask } from "./fleet-start.ts";

const { redisUrl, tokenUrl, callers }: FleetTask = JSON.parse(process.argv[2] ?? "");

const security = new EndpointSecurity({ cache: createRedisCache({ url: redisUrl }) });

async function ours(clientId: string): Promise<void> {
  const endpoint: EndpointConfig = {
    grantType: "client_credentials",
    tokenUrl,
    clientId,
    clientSecret: "checkout-secret",
  };
  const calls = Array.from({ length: callers }, () => security.getAuthHeader(endpoint));
  await Promise.all(calls);
}

/** As people share a request within a process: one promise for all. */
async function byHand(clientId: string): Promise<void> {
  const header = headerByHand({ tokenUrl, clientId, clientSecret: "checkout-secret" });
  await Promise.all(Array.from({ length: callers }, () => header));
}

process.on("message", async ({ who, clientId }: { who: string; clientId: string }) => {
  const start = performance.now();
  await (who === "ours" ? ours(clientId) : byHand(clientId));
  process.send?.(performance.now() - start);
});
process.on("disconnect", () => process.exit());
// As a readiness check does: everything is loaded and connected.
await ours("warm-up");
await byHand("warm-up");
process.send?.("ready");
