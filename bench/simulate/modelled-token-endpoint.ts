import type { Fetch } from "../../src/http/fetch-types.ts";
import type { Chance } from "./chance.ts";
import { Timeline } from "./timeline.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What a token endpoint may be up to: answering, answering 503, or not answering. */
export type IssuerMood = "well" | "unavailable" | "silent";

export interface IssuerSettings {
  /** Of a token request, in milliseconds: the median. */
  readonly latencyMs: number;
  readonly lifetimeMs: number;
  /** After this much of its life a process asks for the next one. */
  readonly usableMs: number;
}

const unavailableAfterMs = 20;

/** Issues tokens to any number of clients, one for each endpoint, and remembers what it issued. */
export class ModelledTokenEndpoint {
  readonly requests = new Timeline(10);
  readonly failures = new Timeline(10);
  readonly #clock: VirtualClock;
  readonly #chance: Chance;
  readonly #settings: IssuerSettings;
  readonly #expiries = new Map<string, number>();
  #nextExpiry = 0;
  mood: IssuerMood = "well";

  constructor(clock: VirtualClock, chance: Chance, settings: IssuerSettings) {
    this.#clock = clock;
    this.#chance = chance;
    this.#settings = settings;
  }

  /** Until when the newest token is used. */
  get nextExpiry(): number {
    return this.#nextExpiry;
  }

  /** Whether an access token is good now. */
  isGood(accessToken: string): boolean {
    return (this.#expiries.get(accessToken) ?? 0) > this.#clock.elapsed;
  }

  /** Takes the place of the global fetch. */
  readonly fetch: Fetch = async (_, init) => {
    const asked = this.#clock.elapsed;
    this.requests.add(asked);
    if (this.mood === "silent") {
      this.failures.add(asked);
      return neverAnswered(init?.signal);
    }
    if (this.mood === "unavailable") {
      this.failures.add(asked);
      await this.#clock.sleep(unavailableAfterMs);
      return Response.json({ error: "temporarily_unavailable" }, { status: 503 });
    }
    const latencyMs = this.#chance.logNormal(this.#settings.latencyMs, 0.3);
    await this.#clock.sleep(latencyMs / 2);
    const accessToken = this.#issue(asked);
    await this.#clock.sleep(latencyMs / 2);
    return Response.json({
      access_token: accessToken,
      token_type: "Bearer",
      expires_in: this.#settings.lifetimeMs / 1_000,
    });
  };

  #issue(asked: number): string {
    const { lifetimeMs, usableMs } = this.#settings;
    this.#nextExpiry = asked + usableMs;
    const accessToken = `token-${this.#expiries.size}`;
    this.#expiries.set(accessToken, this.#clock.elapsed + lifetimeMs);
    return accessToken;
  }
}

function neverAnswered(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
