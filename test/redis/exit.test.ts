import { spawn } from "node:child_process";
import { join } from "node:path";
import type { RedisCacheOptions } from "endpoint-security/redis";
import { expect, inject, it, onTestFinished } from "vitest";
import { startRedisCluster } from "../servers/redis/redis-cluster.ts";
import { startRedisSentinel } from "../servers/redis/redis-sentinel.ts";
import { describeWithRedis, proxyTo, redisHere } from "./redis-suite.ts";

const script = join(inject("builtProcesses"), "exiting-process.mjs");

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs the process to its end, which it has to find by itself. */
function ended(options: RedisCacheOptions, mode = "", onOutput = () => {}): Promise<Ended> {
  const args = [script, JSON.stringify(options), mode];
  const child = spawn(process.execPath, args);
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
      onOutput();
      // Where the process waits for it, it goes on.
      child.stdin.end();
    });
  }
  return new Promise((resolve) => {
    child.once("close", (code) => resolve({ code, output: output.trim() }));
  });
}

describeWithRedis("A process that uses a Redis cache ends by itself", () => {
  it("while it is connected to a server", async () => {
    const { url } = await redisHere();
    expect(await ended({ url })).toEqual({ code: 0, output: "read value" });
  });

  it("while Redis is down", async () => {
    const options = { host: "127.0.0.1", port: 1 };
    const down = { code: 0, output: "failed ECONNREFUSED" };
    expect(await ended(options)).toEqual(down);
    expect(await ended(options, "connecting again")).toEqual(down);
    expect(await ended({ cluster: { nodes: [options] } }, "connecting again")).toEqual(down);
    const sentinel = { nodes: [options], name: "any" };
    expect(await ended({ sentinel }, "connecting again")).toEqual(down);
  });

  it("while Redis lets it wait for the connection", async () => {
    const proxy = await proxyTo(await redisHere());
    proxy.blackhole(true);
    expect(await ended({ url: proxy.url, connectTimeoutMs: 300 }, "connecting again")).toEqual({
      code: 0,
      output: "failed TIMEOUT",
    });
  });

  it("while an operation hangs at a frozen server", async () => {
    const server = await redisHere();
    const ending = ended({ url: server.url }, "hanging", () => server.freeze());
    expect(await ending).toEqual({ code: 0, output: "read value" });
    server.thaw();
  });

  it("while it is connected to a cluster", async () => {
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster.stop());
    const nodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
    expect(await ended({ cluster: { nodes } })).toEqual({ code: 0, output: "read value" });
  });

  it("while it is connected to a master that sentinels watch", async () => {
    const { sentinels, masterName: name, stop } = await startRedisSentinel();
    onTestFinished(() => stop());
    const nodes = sentinels.map(({ host, port }) => ({ host, port }));
    expect(await ended({ sentinel: { nodes, name } })).toEqual({ code: 0, output: "read value" });
  });
});
