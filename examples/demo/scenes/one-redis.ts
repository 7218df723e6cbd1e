import assert from "node:assert/strict";
import { findLocalRedis, whyNoRedis } from "../../local-redis.ts";
import { ordersOf } from "../environment.ts";
import { expectAllOk, expectCounts } from "../expect.ts";
import { startProcess } from "../processes/start.ts";
import type { Scene } from "../scene.ts";

const calls = 100;

export const oneRedis: Scene = {
  title: "two processes, one Redis",
  expected: "one token request for both",
  missing: whyNoRedis,
  async run({ production, tally }) {
    await using redis = await findLocalRedis();
    if (redis === undefined) throw new Error("the Redis is gone");
    const task = { redisUrl: redis.url, endpoint: ordersOf(production), calls };
    const troubles: string[] = [];
    const start = () =>
      startProcess(task, (message) => {
        if (message.type === "obtained") tally.obtained(message);
        if (message.type === "cacheFailed") troubles.push(message.message);
        if (message.type === "done") tally.madeElsewhere(message.answers.length);
      });
    const [one, two] = await Promise.all([start(), start()]);
    await using _one = one;
    await using _two = two;

    const done = await Promise.all([one.go(), two.go()]);

    const answers = done.flatMap((each) => each.answers);
    expectAllOk(answers);
    const tokens = new Set(answers.map(({ claims }) => claims.jti));
    assert.equal(tokens.size, 1, `${tokens.size} tokens were in use`);
    expectCounts(tally, { calls: 2 * calls, tokenRequests: 1, renewals: 0 });
    const [asked, took] = done[0].source === "cache" ? [two, one] : [one, two];
    assert.deepEqual(done.map(({ source }) => source).toSorted(), ["cache", "token_endpoint"]);
    return `process ${asked.pid} asked for the token, process ${took.pid} took it from Redis`;
  },
};
