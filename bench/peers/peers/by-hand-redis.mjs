import { createClient } from "redis";
import { obtain } from "./by-hand-map.mjs";

export const packages = ["openid-client", "redis"];

// The usual forty lines for several processes: the token in Redis, until it ends.
export function create(task) {
  const client = createClient({ url: task.redisUrl });
  return {
    ready: client.connect(),
    async header() {
      const cached = await client.get(`token:${task.clientId}`);
      if (cached !== null) return cached;
      const { header, expiresAt } = await obtain(task);
      const forMs = Math.max(1, expiresAt - Date.now());
      await client.set(`token:${task.clientId}`, header, {
        expiration: { type: "PX", value: forMs },
      });
      return header;
    },
  };
}
