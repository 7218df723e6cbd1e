import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { headerByHand } from "./by-hand.ts";
import { item } from "./item.ts";
import { atMost, milliseconds, type Result, times } from "./result.ts";
import { type Contender, sideBySide } from "./side-by-side.ts";
import { startServer } from "./start-server.ts";

const tokenLatencyMs = 50;
const callers = 1_000;
const server = await startServer({ tokenLatencyMs });
let endpoints = 0;
let byHand = 0;

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
  {
    name: "by hand",
    async run(calls) {
      const clientId = "by-hand";
      for (let call = 0; call < calls; call++) {
        const tokenUrl = `${server.origin}/token`;
        await headerByHand({ tokenUrl, clientId, clientSecret: "checkout-secret" });
        byHand++;
      }
    },
  },
];

await item(async (progress): Promise<readonly Result[]> => {
  const taken = await sideBySide(contenders, { rounds: 60, times: 1, progress });
  const requests = Number(await (await fetch(`${server.origin}/token-requests`)).text());
  if (requests !== endpoints + byHand) throw new Error("a flight made more than one request");
  const took = (name: string) => milliseconds(taken.median(name) / 1e6);
  return [
    atMost(
      "cold: 1,000 callers at once, beside one request of openid-client by hand",
      taken.ratio("all", "by hand"),
      // 58 ms, where the one takes the 50 ms of the token endpoint and 2 ms around it.
      1.12,
      times,
      `${took("all")} beside ${took("by hand")}; one caller ${took("one")}; token endpoint takes ${tokenLatencyMs} ms`,
    ),
  ];
});
