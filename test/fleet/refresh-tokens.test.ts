import { expect, onTestFinished, test } from "vitest";
import { describeWithRedis } from "../redis/redis-suite.ts";
import { startOAuth2Server } from "../servers/oauth2-server.ts";
import { checkoutFor } from "../tokens/token-endpoint.ts";
import { startFleet, together, tokenIn } from "./fleet.ts";
import { patience, redisHere } from "./instances.ts";

describeWithRedis("A fleet with refresh tokens that rotate", () => {
  test("uses each of them once, so that the server never sees one again and revokes the family", async () => {
    const [redis, server] = await Promise.all([
      redisHere(),
      startOAuth2Server({ accessTokenTtl: 3600 }),
    ]);
    onTestFinished(() => server.close());
    const endpoint = checkoutFor(server.tokenUrl, { tokenRequest: { timeoutMs: 60_000 } });
    const members = await startFleet(4, { redisUrl: redis.url, endpoint, ...patience });
    let [header] = (await Promise.all(members.map((member) => member.header()))) as string[];
    // No more than a backend may force in a minute.
    const rounds = 5;
    for (let round = 0; round < rounds; round++) {
      // All of them at once find that the backend takes the token no more.
      const rejected = tokenIn(header);
      const asked = members.map((member) => member.headers(10, rejected));
      const all = together(await Promise.all(asked));
      expect(all.errors).toEqual([]);
      expect(new Set(all.headers).size).toBe(1);
      header = all.headers[0] as string;
      expect(tokenIn(header)).not.toBe(rejected);
      expect(server.isActive(tokenIn(header))).toBe(true);
    }
    expect(server.familiesRevoked).toBe(0);
    const grants = server.tokenRequests.map(({ grantType }) => grantType);
    expect(grants).toEqual(["password", ...Array(rounds).fill("refresh_token")]);
  });
});
