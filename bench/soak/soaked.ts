// Run in a process of its own, by main.ts: lives through minutes of a service's worst days.
import { EndpointSecurity, isEndpointSecurityError } from "../../src/index.ts";
import { settledHeap } from "../item.ts";
import { LifeServer } from "../life-client.ts";
import type { Sample } from "./sample.ts";

const seconds = Number(process.argv[2]);
/** Endpoints in use at a time; one goes and another comes with every turn. */
const inUse = 300;
const maxEntries = 500;
const lifeMs = 2_000;

const server = await LifeServer.start();
await server.be({ lifeMs, latencyMs: 20 });
const security = new EndpointSecurity({ maxEntries });
const seen: Record<string, number> = {};
const count = (what: string) => {
  seen[what] = (seen[what] ?? 0) + 1;
};
let isDown = false;

function wrapped(serial: number): () => Promise<void> {
  const backend = security.wrapFetch({
    url: `${server.origin}/v1`,
    grantType: "client_credentials",
    tokenUrl: `${server.origin}/token`,
    clientId: `client-${serial}`,
    clientSecret: `secret-${serial}`,
    tokenEndpointAuthMethod: "client_secret_post",
    tokenRequest: { retries: 1, coolDownMs: 200 },
  });
  return async () => {
    try {
      const response = await backend("/orders");
      await response.arrayBuffer();
      count(String(response.status));
    } catch (error) {
      const what = isEndpointSecurityError(error) ? error.code : "something else";
      // Whoever needs a token while there are none is told so.
      count(isDown || what !== "token_endpoint_unavailable" ? what : "unavailable afterwards");
    }
  };
}

const endpoints = Array.from({ length: inUse }, (_, serial) => wrapped(serial));
const start = performance.now();
const at = () => (performance.now() - start) / 1_000;
const every = (ms: number, work: () => void) => setInterval(work, ms);
let serial = inUse;
const timers = [
  every(100, () => {
    endpoints[serial % inUse] = wrapped(serial++);
  }),
  every(7_000, () => void server.be({ revokedBefore: Date.now() })),
  every(15_000, () => {
    isDown = true;
    void server.be({ isDown });
    setTimeout(() => {
      void server.be({ isDown: false });
      // What cools down has until then.
      setTimeout(() => {
        isDown = false;
      }, 2_000);
    }, 2_000);
  }),
];

let turn = 0;
let nextSample = 0;
while (at() < seconds) {
  // Some at once, and one of them twice.
  const some = [0, 1, 1, 2, 3, 4].map((step) => endpoints[(turn + step * 50) % inUse]?.());
  turn++;
  await Promise.all(some);
  if (at() >= nextSample) {
    nextSample = at() + 3;
    const sample: Sample = {
      second: at(),
      heapBytes: settledHeap(),
      handles: process.getActiveResourcesInfo().length,
      endpoints: serial,
      seen: { ...seen },
    };
    process.send?.(sample);
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
}
for (const timer of timers) clearInterval(timer);
await security.close();
server.stop();
process.disconnect();
