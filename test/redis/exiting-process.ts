import { createRedisCache, type RedisCacheOptions } from "../../src/redis.ts";

/** A process that does something with a cache, and then nothing more. It never calls exit(). */
const [options = "", mode] = process.argv.slice(2);
const cache = createRedisCache(JSON.parse(options) as RedisCacheOptions);
cache.on("error", () => {});

// What a deadline of the library is there for: sockets alone keep nothing alive.
const deadline = setInterval(() => {}, 1000);
try {
  await cache.open();
  await cache.set("entry", "value", 60_000);
  for (const name of "abcdefgh") await cache.get(name);
  console.log(`read ${await cache.get("entry")}`);
} catch (error) {
  console.log(`failed ${Reflect.get(Object(error), "code")}`);
}
if (mode === "hanging") {
  // Until the one who started this has read the line, and closed the input.
  for await (const _ of process.stdin);
  void cache.get("entry").catch(() => {});
}
if (mode === "connecting again") void cache.open();
clearInterval(deadline);
