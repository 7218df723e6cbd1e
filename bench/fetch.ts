import { EndpointSecurity } from "endpoint-security";
import { item } from "./item.ts";
import { atLeast, atMost, microseconds, type Result, times } from "./result.ts";
import { type Contender, sideBySide } from "./side-by-side.ts";
import { startServer } from "./start-server.ts";

const server = await startServer();
const security = new EndpointSecurity();
const endpoint = {
  url: `${server.origin}/v1`,
  grantType: "client_credentials",
  tokenUrl: `${server.origin}/token`,
  clientId: "checkout",
  clientSecret: "checkout-secret",
} as const;
const wrapped = security.wrapFetch(endpoint);
const fixed = { headers: { Authorization: await security.getAuthHeader(endpoint) } };
const url = `${server.origin}/v1/orders`;

async function viaFetch(requests: number): Promise<void> {
  for (let request = 0; request < requests; request++) {
    const response = await fetch(url, fixed);
    if (response.status !== 200) throw new Error(`answered ${response.status}`);
    await response.text();
  }
}

async function viaWrapper(requests: number): Promise<void> {
  for (let request = 0; request < requests; request++) {
    const response = await wrapped("/orders");
    if (response.status !== 200) throw new Error(`answered ${response.status}`);
    await response.text();
  }
}

const oneAtATime: readonly Contender[] = [
  { name: "fetch", run: viaFetch },
  { name: "wrapFetch", run: viaWrapper },
];

const lanes = 32;
const abreast = (send: (requests: number) => Promise<void>) => async (requests: number) => {
  await Promise.all(Array.from({ length: lanes }, () => send(requests / lanes)));
};

const manyAtATime: readonly Contender[] = [
  { name: "fetch", run: abreast(viaFetch) },
  { name: "wrapFetch", run: abreast(viaWrapper) },
];

await item(async (progress): Promise<readonly Result[]> => {
  const many = await sideBySide(manyAtATime, {
    rounds: 400,
    times: lanes * 2,
    progress: (share) => progress(share / 2),
  });
  // Enough of them to see a few µs in requests that take a hundred times that.
  await viaFetch(500);
  const one = await sideBySide(oneAtATime, {
    rounds: 12_000,
    times: 1,
    progress: (share) => progress((1 + share) / 2),
  });
  const perSecond = (name: string) => Math.round(1e9 / many.median(name)).toLocaleString("en");
  const spent = (name: string) => microseconds(one.median(name) / 1_000);
  return [
    atLeast(
      "wrapFetch: requests a second, 32 in flight",
      many.ratio("fetch", "wrapFetch"),
      0.97,
      times,
      `${perSecond("wrapFetch")} beside ${perSecond("fetch")}`,
    ),
    atMost(
      "wrapFetch: more a request, one at a time",
      one.difference("wrapFetch", "fetch") / 1_000,
      5,
      microseconds,
      `${spent("wrapFetch")} beside ${spent("fetch")}`,
    ),
  ];
});
