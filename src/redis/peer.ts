import { loadOptionalPeer } from "../optional-peer.ts";
import type { RedisModule } from "./node-client.ts";

/** Loads @keyv/redis, which only those install who use it. */
export class KeyvRedisPeer {
  #isReported = false;

  async load(): Promise<RedisModule> {
    try {
      return await loadOptionalPeer<RedisModule>({
        name: "@keyv/redis",
        neededBy: "createRedisCache",
        install: "@keyv/redis@5 keyv@5",
        uses: ["default", "Keyv", "createClient"],
        load: () => import("@keyv/redis"),
      });
    } catch (error) {
      // Without it nothing is shared, and no call fails for it: nobody would notice.
      if (!this.#isReported) {
        process.emitWarning(
          `nothing is shared: ${error instanceof Error ? error.message : error}`,
          {
            type: "EndpointSecurityWarning",
            code: "ENDPOINT_SECURITY_NO_KEYV_REDIS",
          },
        );
      }
      this.#isReported = true;
      throw error;
    }
  }
}
