import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { item } from "./item.ts";
import { atMost, milliseconds, type Result, times } from "./result.ts";
import { type Contender, sideBySide } from "./side-by-side.ts";
import { startServer } from "./start-server.ts";

// As far away as a token endpoint is in the same region.
const tokenLatencyMs = 30;
const callers = 1_000;
const server = await startServer({ tokenLatencyMs });
let endpoints = 0;

/** An instance and an endpoint that have never seen a token. */
async function ask(howMany: number): Promise<void> {
  const security = new EndpointSecurity();
  const endpoint: EndpointConfig = {
    url: `${server.origin}/v1`,
    grantType: "client_credentials",
    tokenUrl: `${server.origin}/token`,
    clientId: `client-${endpoints++}`,
    clientSecret: "checkout-secret",
  };
  const headers: Promise<string>[] = [];
  for (let caller = 0; caller < howMany; caller++) headers.push(security.getAuthHeader(endpoint));
  await Promise.all(headers);
  await security.close();
}

const contenders: readonly Contender[] = [
  {
    name: "one",
    async run(calls) {
      for (let call = 0; call < calls; call++) await ask(1);
    },
  },
  {
    name: "all",
    async run(calls) {
      for (let call = 0; call < calls; call++) await ask(callers);
    },
  },
];

await item(async (progress): Promise<readonly Result[]> => {
  const taken = await sideBySide(contenders, { rounds: 60, times: 1, progress });
  const requests = Number(await (await fetch(`${server.origin}/token-requests`)).text());
  if (requests !== endpoints) throw new Error(`${endpoints} flights made ${requests} requests`);
  return [
    atMost(
      "cold: 1,000 callers at once beside one",
      taken.ratio("all", "one"),
      1.2,
      times,
      `${milliseconds(taken.median("all") / 1e6)} beside ${milliseconds(taken.median("one") / 1e6)}; token endpoint takes ${tokenLatencyMs} ms`,
    ),
  ];
});
