/** Logs by pino, metrics by OpenTelemetry, and a real Prometheus whose alerts fire in an outage. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { instrument } from "endpoint-security/opentelemetry";
import { createTokenEndpoint } from "endpoint-security/testing";
import { pino } from "pino";
import { freePort } from "../test/servers/redis/free-port.ts";
import { drawMetrics } from "./observability/draw-metrics.ts";
import { startLocalPrometheus } from "./observability/local-prometheus.ts";
import { logEvents } from "./observability/logging.ts";

// Tokens that live for 4 s, so that an outage is felt within seconds.
await using idp = await createTokenEndpoint({ lifetimeSeconds: 4 });

const orders = {
  name: "orders",
  url: idp.resourceUrl, // "https://orders.example.com/v1"
  grantType: "client_credentials",
  tokenUrl: idp.tokenUrl, // "https://idp.example.com/oauth2/token"
  clientId: "checkout",
  clientSecret: "checkout-secret",
} satisfies EndpointConfig;

const minuteAgo = () => new Date(Date.now() - 60_000);

// The service:
const port = await freePort(); // 9464, the usual one
const exporter = new PrometheusExporter({ port, host: "127.0.0.1" });
const meterProvider = new MeterProvider({ readers: [exporter] });
const security = new EndpointSecurity({ tokenRequest: { retries: 0 } });
instrument(security, { meterProvider });
const lines: string[] = [];
logEvents(security, pino({ level: "warn" }, { write: (line) => lines.push(line) }));

const ordersFetch = security.wrapFetch(orders);
const traffic = setInterval(() => void ordersFetch("/orders/42").catch(() => {}), 50);

// Prometheus scrapes it once a second, and an alert fires after 1 s instead of 1 min.
await using prometheus = await startLocalPrometheus({
  target: `127.0.0.1:${port}`,
  alerts: fileURLToPath(new URL("./observability/alerts.yml", import.meta.url)),
  holdFor: "1s",
});
const firing = async () =>
  (await prometheus.alerts())
    .filter(({ state }) => state === "firing")
    .map(({ labels }) => labels.alertname);
const until = async (what: string, isSo: (alerts: (string | undefined)[]) => boolean) => {
  for (let second = 0; second < 40; second++, await pause(1_000)) {
    const alerts = await firing();
    if (isSo(alerts)) return alerts;
  }
  throw new Error(`in vain: ${what}`);
};

const isScraped = async () =>
  (await prometheus.range("endpoint_security_endpoints", minuteAgo(), new Date())).length > 0;
while (!(await isScraped())) await pause(200);
const began = new Date();
await pause(8_000);
assert.deepEqual(await firing(), []);

const outageBegan = new Date();
idp.failWith(503);
const alerts = await until("an alert", (now) => now.includes("EndpointWithoutToken"));
await pause(5_000);
const outageEnded = new Date();
idp.failWith();
await until("no alert for missing tokens", (now) => !now.includes("EndpointWithoutToken"));
await pause(4_000);
clearInterval(traffic);

// So it went:
const logged = lines.map((line) => JSON.parse(line) as { code?: string; endpoint: string });
assert.ok(
  logged.some(
    ({ code, endpoint }) => code === "token_endpoint_unavailable" && endpoint === "orders",
  ),
);
assert.ok(!lines.join("").includes("checkout-secret"));
console.log(
  `Prometheus: ${alerts.join(", ")} fired in the outage, and EndpointWithoutToken ended with it.`,
);
console.log(`pino: ${lines.length} warnings, such as ${lines[0]?.trim()}`);

const [, picture] = process.argv.slice(2);
if (process.argv[2] === "--picture" && picture !== undefined) {
  const drawn = await drawMetrics(prometheus, { began, outageBegan, outageEnded });
  await writeFile(picture, drawn);
  console.log(`wrote ${picture}`);
}

await security.close();
await meterProvider.shutdown();
