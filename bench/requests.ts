import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { headerByHand } from "./by-hand.ts";
import { item } from "./item.ts";
import { atMost, milliseconds, type Result, times } from "./result.ts";
import { type Contender, sideBySide } from "./side-by-side.ts";
import { startServer } from "./start-server.ts";

const lanes = 32;
const server = await startServer();
const security = new EndpointSecurity();
let clients = 0;

const credentials = () => ({
  tokenUrl: `${server.origin}/token`,
  clientId: `client-${clients++}`,
  clientSecret: "checkout-secret",
});

async function ours(): Promise<void> {
  const endpoint: EndpointConfig = { grantType: "client_credentials", ...credentials() };
  await security.getAuthHeader(endpoint);
}

async function byHand(): Promise<void> {
  await headerByHand(credentials());
}

/** Token requests one after the other. */
const inTurn = (request: () => Promise<void>) => async (requests: number) => {
  for (let done = 0; done < requests; done++) await request();
};

const abreast = (request: () => Promise<void>) => async (requests: number) => {
  await Promise.all(Array.from({ length: lanes }, () => inTurn(request)(requests / lanes)));
};

const contenders = (how: typeof inTurn): readonly Contender[] => [
  { name: "ours", run: how(ours) },
  { name: "by hand", run: how(byHand) },
];

/** Nanoseconds that this process kept a processor busy, on all its threads. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
}

await item(async (progress): Promise<readonly Result[]> => {
  const processor = await sideBySide(contenders(inTurn), {
    rounds: 60,
    times: 100,
    clock: processorTime,
    progress: (share) => progress(share / 2),
  });
  const filling = await sideBySide(contenders(abreast), {
    rounds: 20,
    times: lanes * 16,
    progress: (share) => progress((1 + share) / 2),
  });
  const each = (name: string) => milliseconds(processor.median(name) / 1e6);
  const tenThousand = (name: string) => milliseconds(filling.median(name) / 1e2);
  return [
    atMost(
      "cold token request: processor time, beside openid-client by hand",
      processor.ratio("ours", "by hand"),
      1.3,
      times,
      `${each("ours")} beside ${each("by hand")}`,
    ),
    atMost(
      `fill 10,000 endpoints, ${lanes} at a time, beside openid-client by hand`,
      filling.ratio("ours", "by hand"),
      1.3,
      times,
      `${tenThousand("ours")} beside ${tenThousand("by hand")}`,
    ),
  ];
});
