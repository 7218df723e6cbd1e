import { randomBytes } from "node:crypto";
import { type EndpointConfig, EndpointSecurity } from "endpoint-security";
import { Floor } from "./floor.ts";
import { item, settledHeap } from "./item.ts";
import { atMost, bytes, nanoseconds, type Result, times } from "./result.ts";
import { type Contender, sideBySide } from "./side-by-side.ts";

const tokenLength = 800;

/** A token endpoint without network: connections would be counted with the heap. */
const tokenEndpoint = async () =>
  Response.json({
    access_token: randomBytes(tokenLength).toString("base64url").slice(0, tokenLength),
    token_type: "Bearer",
    expires_in: 86_400,
  });

/** In one piece, as a string is that was read from somewhere. */
function flat(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

function endpoints(howMany: number, prefix: string): readonly EndpointConfig[] {
  return Array.from({ length: howMany }, (_, index) => ({
    name: flat(`${prefix}-${index}`),
    url: flat(`https://${prefix}-${index}.example.com/v1`),
    grantType: "client_credentials" as const,
    tokenUrl: flat(`https://idp.example.com/${prefix}-${index}/token`),
    clientId: flat(`client-${prefix}-${index}`),
    clientSecret: flat(`secret-${prefix}-${index}`),
    scope: "orders:read orders:write",
  }));
}

/** Each endpoint's token fetched, then used. */
async function use(security: EndpointSecurity, all: readonly EndpointConfig[]): Promise<void> {
  for (const endpoint of all) await security.getAuthHeader(endpoint);
  for (let pass = 0; pass < 3; pass++) {
    for (const endpoint of all) await security.getAuthHeader(endpoint);
  }
}

function shuffled(length: number): Uint32Array {
  const order = Uint32Array.from({ length }, (_, index) => index);
  for (let last = length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    const moved = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = moved;
  }
  return order;
}

await item(async (progress): Promise<readonly Result[]> => {
  const howMany = 10_000;
  // What is compiled and loaded once is not the endpoints'.
  const before = new EndpointSecurity({ fetch: tokenEndpoint });
  await use(before, endpoints(2_000, "before"));
  await before.close();
  progress(0.2);

  const all = endpoints(howMany, "service");
  const empty = settledHeap();
  // What it makes room for beforehand is the endpoints' too.
  const security = new EndpointSecurity({ fetch: tokenEndpoint });
  await use(security, all);
  const perEndpoint = (settledHeap() - empty) / howMany;
  progress(0.6);

  const floor = new Floor();
  const ids = all.map((_, index) => flat(`https://service-${index}.example.com/v1`));
  for (const [index, id] of ids.entries()) {
    floor.add(id, flat(await security.getAuthHeader(all[index] as EndpointConfig)));
  }
  const order = shuffled(howMany);
  let at = 0;
  let again = 0;
  const contenders: readonly Contender[] = [
    {
      name: "floor",
      async run(calls) {
        for (let call = 0; call < calls; call++) {
          at = at + 1 === howMany ? 0 : at + 1;
          await floor.getAuthHeader(ids[order[at] as number] as string);
        }
      },
    },
    {
      name: "endpoints",
      async run(calls) {
        for (let call = 0; call < calls; call++) {
          again = again + 1 === howMany ? 0 : again + 1;
          await security.getAuthHeader(all[order[again] as number] as EndpointConfig);
        }
      },
    },
  ];
  const taken = await sideBySide(contenders, {
    rounds: 1_000,
    times: 2_000,
    progress: (share) => progress(0.6 + 0.4 * share),
  });
  return [
    atMost(
      "10,000 endpoints: heap each",
      perEndpoint,
      1_570,
      bytes,
      `tokens of ${tokenLength} characters`,
    ),
    atMost(
      "10,000 endpoints: warm, in random order",
      taken.ratio("endpoints", "floor"),
      2,
      times,
      `${nanoseconds(taken.median("endpoints"))} beside ${nanoseconds(taken.median("floor"))}`,
    ),
  ];
});
