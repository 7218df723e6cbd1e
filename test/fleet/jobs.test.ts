import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, it, onTestFinished } from "vitest";
import { describeWithRedis } from "../redis/redis-suite.ts";
import { startOAuth2Server } from "../servers/oauth2-server.ts";
import { checkout } from "../tokens/token-endpoint.ts";
import { redisHere } from "./instances.ts";

const run = promisify(execFile);

describeWithRedis("Jobs that make one call and exit at once", () => {
  it("leave their token to the next, which neither requests one nor waits for a lease", async () => {
    const [redis, server] = await Promise.all([
      redisHere(),
      startOAuth2Server({ accessTokenTtl: 3600 }),
    ]);
    onTestFinished(() => server.close());
    const endpoint = JSON.stringify(checkout(server.tokenUrl));
    const job = async () => {
      const args = [join(inject("builtProcesses"), "job.mjs"), redis.url, endpoint];
      return (await run(process.execPath, args)).stdout;
    };
    const first = await job();
    expect(first).toMatch(/^Bearer ./);
    expect(await job()).toBe(first);
    expect(await job()).toBe(first);
    expect(server.countTokenRequests()).toBe(1);
  });
});
