import { type EndpointConfig, EndpointSecurity } from "../../src/index.ts";
import type { Chance } from "./chance.ts";
import type { ModelledRedis } from "./modelled-redis.ts";
import type { ModelledTokenEndpoint } from "./modelled-token-endpoint.ts";
import type { VirtualClock } from "./virtual-clock.ts";
import { Waits } from "./waits.ts";

export interface FleetSettings {
  readonly instances: number;
  readonly endpoints: number;
  /** Between two calls of one instance to one endpoint, on average. */
  readonly callEveryMs: number;
  /** At which share of its life a token is renewed ahead. */
  readonly refreshAhead: number | false;
}

/** How the calls of a chapter went. */
export class Calls {
  readonly waits = new Waits();
  readonly errors = new Map<string, number>();
  failed = 0;
  /** When the last call began that failed. */
  lastFailedAt = -Infinity;
  withExpiredToken = 0;
}

/** Many processes' worth of the library, each calling each endpoint every now and then. */
export class Fleet {
  readonly #clock: VirtualClock;
  readonly #chance: Chance;
  readonly #issuer: ModelledTokenEndpoint;
  readonly #callEveryMs: number;
  readonly #instances: readonly EndpointSecurity[];
  readonly #endpoints: readonly EndpointConfig[];
  /** What calls that begin now are counted to. */
  calls = new Calls();
  cacheFailures = 0;

  constructor(
    clock: VirtualClock,
    chance: Chance,
    redis: ModelledRedis,
    issuer: ModelledTokenEndpoint,
    { instances, endpoints, callEveryMs, refreshAhead }: FleetSettings,
  ) {
    this.#clock = clock;
    this.#chance = chance;
    this.#issuer = issuer;
    this.#callEveryMs = callEveryMs;
    this.#endpoints = Array.from({ length: endpoints }, (_, number) =>
      Object.freeze({
        grantType: "client_credentials" as const,
        tokenUrl: `https://idp.example.com/${number}/token`,
        clientId: `service-${number}`,
        clientSecret: `secret-${number}`,
      }),
    );
    this.#instances = Array.from({ length: instances }, () => {
      const security = new EndpointSecurity({
        cache: redis,
        fetch: issuer.fetch,
        renewal: { refreshAhead },
        // What is set aside for each entry counts ten thousand times here.
        maxEntries: endpoints,
      });
      security.on("cacheFailed", () => {
        this.cacheFailures++;
      });
      return security;
    });
  }

  /** All at the same moment, and each in its own time from then on. */
  start(): void {
    for (const security of this.#instances) {
      for (const endpoint of this.#endpoints) {
        const call = () => {
          void this.#call(security, endpoint);
          this.#clock.after(this.#chance.exponential(this.#callEveryMs), call);
        };
        call();
      }
    }
  }

  async #call(security: EndpointSecurity, endpoint: EndpointConfig): Promise<void> {
    const { calls } = this;
    const began = this.#clock.elapsed;
    try {
      const header = await security.getAuthHeader(endpoint);
      if (!this.#issuer.isGood(header.slice("Bearer ".length))) calls.withExpiredToken++;
    } catch (error) {
      calls.failed++;
      calls.lastFailedAt = Math.max(calls.lastFailedAt, began);
      const name = error instanceof Error ? error.name : typeof error;
      calls.errors.set(name, (calls.errors.get(name) ?? 0) + 1);
    }
    calls.waits.add(began, this.#clock.elapsed - began);
  }
}
