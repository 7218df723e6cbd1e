import { writeSync } from "node:fs";
import { EndpointSecurity } from "../../src/index.ts";
import { createRedisCache } from "../../src/redis.ts";

/** A job that makes one call and ends at once, without closing anything. */
const [redisUrl = "", endpoint = ""] = process.argv.slice(2);
// Nobody gives up on Redis because the machine is busy.
const cache = createRedisCache({ url: redisUrl });
const security = new EndpointSecurity({ cache, cacheTimeoutMs: 20_000 });
const header = await security.getAuthHeader(JSON.parse(endpoint));
writeSync(1, header);
process.exit(0);
