import { EndpointSecurity } from "endpoint-security";
import { callsOf, nothingSeen } from "./calls.ts";
import { item } from "./item.ts";
import { type Figures, LifeServer } from "./life-client.ts";
import { atMost, count, milliseconds, type Result } from "./result.ts";

/** An outage begins so long after the token was issued. */
const beginsMs = 2_500;
const afterMs = 2_500;
const outagesMs = [1_000, 3_000, 30_000];
const callsASecond = 200;

await item(async (progress): Promise<readonly Result[]> => {
  const server = await LifeServer.start();
  const results: Result[] = [];
  const wholeMs = outagesMs.reduce((sum, ms) => sum + beginsMs + ms + afterMs, 0);
  let doneMs = 0;
  for (const outageMs of outagesMs) {
    const clientId = `outage-${outageMs}`;
    const security = new EndpointSecurity();
    const endpoint = {
      clientId,
      clientSecret: "bench-secret",
      tokenUrl: `${server.origin}/token`,
      url: `${server.origin}/v1`,
      grantType: "client_credentials",
      // The server knows its clients by the body.
      tokenEndpointAuthMethod: "client_secret_post",
      // The outage is around the token's expiry, and nothing was renewed before it.
      renewal: { refreshAhead: false },
    } as const;
    // Whole seconds, as on the wire.
    const lifeMs = Math.ceil((beginsMs + outageMs / 2) / 1_000) * 1_000;
    await server.be({ lifeMs, isDown: false });
    const header = { getAuthHeader: () => security.getAuthHeader(endpoint) };
    await header.getAuthHeader();
    const seen = nothingSeen();
    const endsMs = beginsMs + outageMs;
    const start = performance.now();
    let endedAtMs = endsMs;
    const timers = [
      setTimeout(() => void server.be({ isDown: true }), beginsMs),
      setTimeout(() => {
        endedAtMs = performance.now() - start;
        void server.be({ isDown: false, lifeMs: 60_000 });
      }, endsMs),
      setInterval(() => progress((doneMs + performance.now() - start) / wholeMs), 200),
    ];
    await callsOf(server.origin, header, endsMs + afterMs, seen);
    for (const timer of timers) clearTimeout(timer);
    doneMs += endsMs + afterMs;

    const of = (await server.figures())[clientId] as Figures;
    const title = `outage of ${outageMs / 1_000} s`;
    const lastMs = Math.max(endedAtMs, ...seen.failedAt) - endedAtMs;
    const withoutToken = Math.round(((endsMs - lifeMs) / 1_000) * callsASecond);
    const calls = `of ${seen.calls.toLocaleString("en")}; ${withoutToken} fell due without a token`;
    // Three attempts at first, then one a second, up to a quarter sooner.
    const mostRequests = 3 + Math.ceil(outageMs / 750);
    results.push(
      atMost(`${title}: failed calls`, seen.errors, withoutToken + callsASecond, count, calls),
      atMost(`${title}: from its end to the last failed call`, lastMs, 1_000, milliseconds),
      atMost(`${title}: token requests in vain`, of.refusedWhileDown, mostRequests, count),
      atMost(`${title}: calls sent with an expired token`, of.expired, 0, count),
    );
  }
  return results;
});
