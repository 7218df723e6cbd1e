import { createRedisCache } from "../../src/redis.ts";

/** A process in which @keyv/redis can't be found, see peer.test.ts. */
const cache = createRedisCache({ url: "redis://localhost" });
try {
  await cache.open();
} catch (error) {
  console.log(JSON.stringify(error));
}
