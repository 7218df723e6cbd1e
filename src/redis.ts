export type {
  RedisCacheOptions,
  RedisCluster,
  RedisCommonOptions,
  RedisGivenClient,
  RedisLogin,
  RedisNode,
  RedisSentinel,
  RedisServer,
  RedisTls,
  RedisUrl,
} from "./redis/options.ts";
export { createRedisCache, type RedisCache } from "./redis/redis-cache.ts";
export { RedisCacheError } from "./redis/redis-error.ts";
