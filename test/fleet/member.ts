import { EndpointSecurity } from "endpoint-security";
import { createRedisCache } from "endpoint-security/redis";
import type { Answer, MemberSettings, Order } from "./protocol.ts";

const settings: MemberSettings = JSON.parse(process.env.MEMBER ?? "{}");
const tell = (answer: Answer) => process.send?.(answer);

const { redisUrl: url, cacheTimeoutMs } = settings;
const security = new EndpointSecurity({
  cache: createRedisCache({ url, connectTimeoutMs: cacheTimeoutMs }),
  cacheTimeoutMs,
  fetch: async (input, init) => {
    tell({ asking: true });
    return fetch(input, init);
  },
});
const events: string[] = [];
security.on("cacheFailed", ({ operation, message }) => events.push(`${operation}: ${message}`));
security.on("cacheRecovered", () => events.push("recovered"));

async function headers({ callers = 1, rejectedToken }: Order): Promise<Answer> {
  const calls = Array.from({ length: callers }, () =>
    security.getAuthHeader(settings.endpoint, rejectedToken ? { rejectedToken } : undefined),
  );
  const outcomes = await Promise.allSettled(calls);
  return {
    headers: outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])),
    errors: outcomes.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : [])),
  };
}

async function obey(order: Order): Promise<Answer> {
  switch (order.what) {
    case "headers":
      return headers(order);
    case "invalidate":
      await security.invalidate(settings.endpoint);
      return {};
    case "events":
      return { events };
  }
}

process.on("message", async (order: Order) => tell({ ...(await obey(order)), id: order.id }));
tell({ ready: true });
