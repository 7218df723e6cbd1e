import { expect, onTestFinished, test } from "vitest";
import { describeWithRedis } from "../redis/redis-suite.ts";
import { startOAuth2Server } from "../servers/oauth2-server.ts";
import { waitUntil } from "../servers/redis/wait-until.ts";
import { checkout } from "../tokens/token-endpoint.ts";
import { startFleet, together, tokenIn } from "./fleet.ts";
import { patience, redisHere } from "./instances.ts";

interface FleetOptions {
  readonly accessTokenTtl?: number;
  readonly cacheTimeoutMs?: number | undefined;
}

async function fleetOf(
  size: number,
  { accessTokenTtl = 3600, cacheTimeoutMs }: FleetOptions = patience,
) {
  const [redis, server] = await Promise.all([redisHere(), startOAuth2Server({ accessTokenTtl })]);
  onTestFinished(() => server.close());
  // Nor does anybody give up waiting because the machine is busy.
  const endpoint = checkout(server.tokenUrl, { tokenRequest: { timeoutMs: 60_000 } });
  const members = await startFleet(size, { redisUrl: redis.url, endpoint, cacheTimeoutMs });
  return { redis, server, members };
}

describeWithRedis("A fleet of processes", () => {
  test("that starts cold at once asks for one token, for 8 x 50 callers", async () => {
    const { server, members } = await fleetOf(8);
    server.setLatency(200);
    const all = together(await Promise.all(members.map((member) => member.headers(50))));
    expect(all.errors).toEqual([]);
    expect(all.headers).toHaveLength(400);
    expect(new Set(all.headers).size).toBe(1);
    expect(server.countTokenRequests()).toBe(1);
  });

  test("gets its token although the one that asks for it is killed meanwhile", async () => {
    const { redis, server, members } = await fleetOf(4);
    server.setLatency(600_000);
    const answers = members.map((member) => member.headers(50));
    const holder = await waitUntil("a token request", () => members.find(({ asked }) => asked > 0));
    await waitUntil("its arrival", () => server.countTokenRequests() === 1);
    server.setLatency(0);
    await holder?.kill();
    const others = answers.filter((_, index) => members[index] !== holder);
    const all = together(await Promise.all(others));
    expect(all.errors).toEqual([]);
    expect(all.headers).toHaveLength(150);
    expect(new Set(all.headers).size).toBe(1);
    expect(server.countTokenRequests()).toBe(2);
    await waitUntil("the lease to be free", async () =>
      Object.keys(await redis.dump()).every((key) => !key.endsWith(":lease")),
    );
  });

  test("takes a token that one renewed at its end, with no token request", async () => {
    const { server, members } = await fleetOf(4);
    const [long] = await Promise.all(members.map((member) => member.header()));
    // From here on everybody is connected, and quick.
    server.setAccessTokenTtl(4);
    const short = await Promise.all(members.map((member) => member.header(tokenIn(long))));
    const [before] = short;
    expect(new Set(short).size).toBe(1);
    server.resetTokenRequests();
    server.setAccessTokenTtl(3600);
    // Their clocks may differ by a little, so that one finds it at its end before another does.
    const renewed = members.map((member) =>
      waitUntil("the next token", async () => {
        const header = await member.header();
        return header !== before && header;
      }),
    );
    expect(new Set(await Promise.all(renewed)).size).toBe(1);
    expect(server.countTokenRequests()).toBe(1);
  });

  test("request one token in all for each lifetime, however many ask at once", async () => {
    const { server, members } = await fleetOf(3, { ...patience, accessTokenTtl: 3 });
    const seen = new Set<string>();
    const live = async (member: (typeof members)[number]) => {
      const mine = new Set<string>();
      while (mine.size < 3) {
        const { headers, errors } = await member.headers(5);
        expect(errors).toEqual([]);
        for (const header of headers) {
          mine.add(header);
          seen.add(header);
        }
      }
    };
    await Promise.all(members.map(live));
    expect(server.countTokenRequests()).toBe(seen.size);
  });

  test("renews a revoked token once, however many processes are rejected with it", async () => {
    const { server, members } = await fleetOf(3);
    const [revoked] = (await Promise.all(members.map((member) => member.header()))).map(tokenIn);
    server.revoke(revoked ?? "");
    const answers = members.map((member) => member.headers(50, revoked));
    const all = together(await Promise.all(answers));
    expect(all.errors).toEqual([]);
    expect(all.headers).toHaveLength(150);
    expect(new Set(all.headers).size).toBe(1);
    expect(all.headers).not.toContain(`Bearer ${revoked}`);
    expect(server.countTokenRequests()).toBe(2);
    // One that hears of it late takes the one that is there.
    const late = await Promise.all(members.map((member) => member.header(revoked)));
    expect(new Set(late)).toEqual(new Set(all.headers));
    expect(server.countTokenRequests()).toBe(2);
  });

  test("finds nothing any more of a token that one of them forgot", async () => {
    const { redis, server, members } = await fleetOf(2);
    const [first, second] = members;
    const forgotten = await first?.header();
    await first?.invalidate();
    expect(await redis.dump()).toEqual({});
    const header = await second?.header();
    expect(header).not.toBe(forgotten);
    expect(await first?.header()).toBe(header);
    expect(server.countTokenRequests()).toBe(2);
  });

  test("ends by itself, each of it, with Redis connected", async () => {
    const { members } = await fleetOf(2);
    for (const member of members) await member.header();
    expect(await Promise.all(members.map((member) => member.exit()))).toEqual([0, 0]);
  });

  test.each(["down", "frozen"])("ends by itself, each of it, with Redis %s", async (how) => {
    const { redis, members } = await fleetOf(2, {});
    const headers = await Promise.all(members.map((member) => member.header()));
    if (how === "down") await redis.kill();
    else redis.freeze();
    const next = members.map((member, index) => member.header(tokenIn(headers[index])));
    for (const header of await Promise.all(next)) expect(header).toMatch(/^Bearer /);
    expect(await Promise.all(members.map((member) => member.exit()))).toEqual([0, 0]);
  });
});
