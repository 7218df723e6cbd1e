import { ConfigurationError } from "../errors.ts";
import type { RedisModule } from "./node-client.ts";

/** Loads @keyv/redis, which only those install who use it. */
export async function loadKeyvRedis(): Promise<RedisModule> {
  try {
    return await import("@keyv/redis");
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, "code") : undefined;
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw error;
    const problem = "is not installed, or is incomplete";
    // Without it nothing is shared, and no call fails for it: nobody would notice.
    process.emitWarning(
      "createRedisCache shares nothing: @keyv/redis is not installed, run `npm install @keyv/redis`",
      { type: "EndpointSecurityWarning", code: "ENDPOINT_SECURITY_NO_KEYV_REDIS" },
    );
    throw new ConfigurationError({
      endpoint: "createRedisCache",
      problems: [{ path: "@keyv/redis", problem, mend: "run `npm install @keyv/redis`" }],
    });
  }
}
