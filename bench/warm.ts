import { subscribe } from "node:diagnostics_channel";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { Floor } from "./floor.ts";
import { item, settledHeap } from "./item.ts";
import { atMost, bytes, nanoseconds, type Result, times } from "./result.ts";
import { type Contender, median, sideBySide } from "./side-by-side.ts";
import { startServer } from "./start-server.ts";

const server = await startServer();
const security = new EndpointSecurity();
const floor = new Floor();
/** With a listener of all events, and a subscriber of a channel: a warm call publishes nothing. */
const watched = new EndpointSecurity();
watched.onAny(() => {});
subscribe("endpoint-security:tokenObtained", () => {});
const url = `${server.origin}/v1`;
const tokenUrl = `${server.origin}/token`;

/** What most endpoints say. */
function plain(clientId: string) {
  return {
    name: "orders",
    url,
    grantType: "client_credentials" as const,
    tokenUrl,
    clientId,
    clientSecret: "checkout-secret",
    scope: "orders:read orders:write",
  } satisfies EndpointConfig;
}

/** Written out anew at every call, as one does who calls with `{ … }`. */
function literal(clientId = "literal") {
  return {
    name: "orders",
    url,
    grantType: "client_credentials" as const,
    tokenUrl,
    clientId,
    clientSecret: "checkout-secret",
    scope: "orders:read orders:write",
    customParameters: { tenant: "acme" },
  } satisfies EndpointConfig;
}

const mutable = plain("mutable");
const other = plain("other");
const nested = literal("nested");
const frozen = deepFreeze(literal("frozen"));

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === "object" && inner !== null) deepFreeze(inner);
  }
  return Object.freeze(value);
}

let header = "";

const contenders: readonly Contender[] = [
  {
    name: "floor",
    async run(calls) {
      for (let call = 0; call < calls; call++) header = await floor.getAuthHeader("orders");
    },
  },
  {
    name: "same object",
    async run(calls) {
      for (let call = 0; call < calls; call++) header = await security.getAuthHeader(mutable);
    },
  },
  {
    name: "watched",
    async run(calls) {
      for (let call = 0; call < calls; call++) header = await watched.getAuthHeader(other);
    },
  },
  {
    name: "nested",
    async run(calls) {
      for (let call = 0; call < calls; call++) header = await security.getAuthHeader(nested);
    },
  },
  {
    name: "frozen",
    async run(calls) {
      for (let call = 0; call < calls; call++) header = await security.getAuthHeader(frozen);
    },
  },
  {
    name: "literal",
    async run(calls) {
      for (let call = 0; call < calls; call++) header = await security.getAuthHeader(literal());
    },
  },
];

/** Bytes allocated a call, the caller's own `await` among them. */
async function bytesPerCall(name: string): Promise<number> {
  const contender = contenders.find((candidate) => candidate.name === name);
  const calls = 2_000;
  const samples: number[] = [];
  for (let sample = 0; sample < 21; sample++) {
    settledHeap();
    const before = process.memoryUsage().heapUsed;
    await contender?.run(calls);
    samples.push((process.memoryUsage().heapUsed - before) / calls);
  }
  return median(samples);
}

await item(async (progress): Promise<readonly Result[]> => {
  floor.add("orders", await security.getAuthHeader(mutable));
  floor.add("payments", await security.getAuthHeader(frozen));
  await security.getAuthHeader(nested);
  await watched.getAuthHeader(other);
  await security.getAuthHeader(literal());
  const taken = await sideBySide(contenders, { rounds: 1_000, times: 1_000, progress });
  if (!header.startsWith("Bearer ")) throw new Error("no header");
  const spent = (name: string) =>
    `${nanoseconds(taken.median(name))} beside ${nanoseconds(taken.median("floor"))}`;
  const withParameter = times(taken.ratio("nested", "floor"));
  return [
    atMost(
      "warm: same object",
      taken.ratio("same object", "floor"),
      1.5,
      times,
      `${spent("same object")}; ${withParameter} with a custom parameter more`,
    ),
    atMost(
      "warm: with listener and subscriber",
      taken.ratio("watched", "same object"),
      1.05,
      times,
      `${nanoseconds(taken.median("watched"))} beside ${nanoseconds(taken.median("same object"))} without`,
    ),
    atMost("warm: deeply frozen", taken.ratio("frozen", "floor"), 1.2, times, spent("frozen")),
    atMost(
      "warm: new literal, same content",
      taken.ratio("literal", "floor"),
      10,
      times,
      spent("literal"),
    ),
    atMost(
      "warm: allocated a call, same object",
      await bytesPerCall("same object"),
      300,
      bytes,
      `floor ${bytes(await bytesPerCall("floor"))}`,
    ),
    atMost("warm: allocated a call, deeply frozen", await bytesPerCall("frozen"), 300, bytes),
  ];
});
