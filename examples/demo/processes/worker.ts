// One process of several: its own EndpointSecurity, and the Redis of them all.
import { EndpointSecurity } from "endpoint-security";
import { createRedisCache, type RedisCache } from "endpoint-security/redis";
import type { Answer } from "../tally.ts";
import type { Command, Message, Task } from "./messages.ts";

let task: Task | undefined;
let cache: RedisCache | undefined;

process.on("message", async (command: Command) => {
  if (command.type === "task") {
    task = command.task;
    // As a service does before it takes requests; without it, the first call connects.
    cache = createRedisCache({ url: task.redisUrl, connectTimeoutMs: 10_000 });
    await cache.open();
    tell({ type: "ready" });
  } else if (task !== undefined) {
    await work(task);
    process.disconnect();
  }
});

async function work({ endpoint, calls }: Task): Promise<void> {
  // The machine may be busy with other things than the demo.
  await using security = new EndpointSecurity({ cache, cacheTimeoutMs: 2_000 });
  security.on("tokenObtained", ({ endpoint: name, durationMs }) => {
    tell({ type: "obtained", endpoint: name, durationMs });
  });
  security.on("cacheFailed", ({ message }) => tell({ type: "cacheFailed", message }));

  const client = security.wrapFetch(endpoint);
  const get = async (): Promise<Answer> => {
    const response = await client("/orders");
    const { claims = {} } = (await response.json()) as Partial<Answer>;
    return { status: response.status, claims };
  };
  const answers = await Promise.all(Array.from({ length: calls }, get));
  tell({ type: "done", answers, source: security.explain(endpoint).source });
}

function tell(message: Message): void {
  process.send?.(message);
}
