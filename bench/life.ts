import { EndpointSecurity } from "endpoint-security";
import { callsOf, type Header, nothingSeen } from "./calls.ts";
import { item } from "./item.ts";
import { type Figures, LifeServer } from "./life-client.ts";
import { NaiveCache } from "./naive-cache.ts";
import { atMost, count, type Result } from "./result.ts";

await item(async (progress): Promise<readonly Result[]> => {
  const server = await LifeServer.start();
  const tokenUrl = `${server.origin}/token`;
  const credentials = { clientSecret: "bench-secret", tokenUrl } as const;
  const ours = (clientId: string, more: object = {}): Header => {
    const security = new EndpointSecurity();
    const endpoint = {
      ...credentials,
      ...more,
      clientId,
      url: `${server.origin}/v1`,
      grantType: "client_credentials",
      tokenEndpointAuthMethod: "client_secret_post",
    } as const;
    return { getAuthHeader: () => security.getAuthHeader(endpoint) };
  };
  const naive = (clientId: string): Header => new NaiveCache({ ...credentials, clientId });

  // Through expiry after expiry.
  const lifeMs = 4_000;
  const lives = 5;
  await server.be({ lifeMs, latencyMs: 300 });
  const [life, naiveLife] = [nothingSeen(), nothingSeen()];
  const steady = ours("life");
  const naiveSteady = naive("naive-life");
  await Promise.all([steady.getAuthHeader(), naiveSteady.getAuthHeader()]);
  const ticking = setInterval(
    () => progress(Math.min(0.45, life.calls / (lives * 800 * 2.2))),
    200,
  );
  await Promise.all([
    callsOf(server.origin, steady, lives * lifeMs, life),
    callsOf(server.origin, naiveSteady, lives * lifeMs, naiveLife),
  ]);
  clearInterval(ticking);

  // The token endpoint is away for half a life, over the end of the token that callers began with.
  const longLifeMs = 20_000;
  await server.be({ lifeMs: longLifeMs });
  const [outage, naiveOutage] = [nothingSeen(), nothingSeen()];
  const early = ours("outage", { renewal: { refreshAhead: 0.5 } });
  const naiveEarly = naive("naive-outage");
  await Promise.all([early.getAuthHeader(), naiveEarly.getAuthHeader()]);
  const down = setTimeout(() => void server.be({ isDown: true }), longLifeMs * 0.58);
  const up = setTimeout(() => void server.be({ isDown: false }), longLifeMs * 1.08);
  const ticks = setInterval(() => progress(0.45 + outage.calls / 10_000), 200);
  await Promise.all([
    callsOf(server.origin, early, longLifeMs * 1.3, outage),
    callsOf(server.origin, naiveEarly, longLifeMs * 1.3, naiveOutage),
  ]);
  for (const timer of [down, up, ticks]) clearTimeout(timer);

  const figures = await server.figures();
  const of = (client: string) => figures[client] as Figures;
  const beside = (value: number) => `a naive cache ${value.toLocaleString("en")}`;
  const none = `of ${life.calls.toLocaleString("en")}`;
  return [
    atMost(
      "life: calls that waited for a token",
      life.waited,
      0,
      count,
      `${none}; ${beside(naiveLife.waited)}`,
    ),
    atMost(
      "life: calls sent with an expired token",
      of("life").expired,
      0,
      count,
      beside(of("naive-life").expired),
    ),
    atMost(
      "life: token requests",
      of("life").tokenRequests,
      // Renewed at 80 % of each life, ± 5 %.
      Math.ceil(lives / 0.75) + 1,
      count,
      `in ${lives} lives; ${beside(of("naive-life").tokenRequests)}`,
    ),
    atMost(
      "outage of half a life: failed calls",
      outage.errors,
      0,
      count,
      `of ${outage.calls.toLocaleString("en")}; ${beside(naiveOutage.errors)}`,
    ),
    atMost(
      "outage of half a life: token requests in vain",
      of("outage").refusedWhileDown,
      // Three attempts at a time, with pauses of a second, two, four, …
      15,
      count,
      beside(of("naive-outage").refusedWhileDown),
    ),
  ];
});
