import type { EntryCache } from "../cache/entry-cache.ts";
import type { EntryCodec } from "../cache/entry-codec.ts";
import type { EntryFormat } from "../cache/sealed-entries.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { TokenEndpointUnavailableError, type UnavailableReason } from "../errors.ts";
import { attemptOf } from "./attempt.ts";
import { longestRetryAfterMs } from "./cool-down.ts";

/** What one process found out about an unavailable token endpoint, for all that share its cache. */
export interface Outage {
  readonly error: TokenEndpointUnavailableError;
  /** When one of the processes makes the next attempt, in milliseconds since the epoch. */
  readonly nextAttemptAt: number;
}

// Longer than until the next attempt, so that those who come during it know of the outage.
const keptLongerMs = 5_000;
const longestText = 1_000;

/** Reasons that are the token endpoint's; names and certificates are more often wrong on one machine alone. */
const sharedReasons: readonly UnavailableReason[] = ["network", "timeout", "status"];

/** Outages in a cache that processes share: sealed as the tokens are, and gone soon after they ended. */
export class SharedOutages {
  readonly #cache: EntryCache;
  readonly #clock: Clock;
  readonly #entries: EntryCodec<Outage>;

  constructor(cache: EntryCache, entries: EntryCodec<Outage>, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#cache = cache;
    this.#entries = entries;
  }

  /** The outage, if another attempt would be too early. */
  async current(endpoint: ResolvedEndpoint): Promise<Outage | undefined> {
    const [name = ""] = await this.#entries.names(endpoint);
    const value = await this.#cache.get(name);
    if (value === undefined || value === null) return undefined;
    const { clockLeadMs } = this.#cache;
    const outage = await this.#entries.read(endpoint, value, { name: 0, clockLeadMs });
    return outage !== undefined && outage.nextAttemptAt > this.#clock.now() ? outage : undefined;
  }

  async write(endpoint: ResolvedEndpoint, error: unknown): Promise<void> {
    if (!(error instanceof TokenEndpointUnavailableError)) return;
    if (error.nextAttemptAt === undefined || !sharedReasons.includes(error.reason)) return;
    const nextAttemptAt = error.nextAttemptAt.getTime();
    const { clockLeadMs } = this.#cache;
    const value = await this.#entries.write(endpoint, { error, nextAttemptAt }, clockLeadMs);
    const [name = ""] = await this.#entries.names(endpoint);
    await this.#cache.set(name, value, nextAttemptAt - this.#clock.now() + keptLongerMs);
  }
}

/** An outage as JSON. */
export const outageFormat: EntryFormat<Outage> = {
  kind: "outage",
  // By another proxy it may be within reach.
  subject: attemptOf,
  toJson: ({ error, nextAttemptAt }, clockLeadMs) => ({
    ...error.toFailure(),
    nextAttemptAt: nextAttemptAt + clockLeadMs,
  }),
  fromJson: (json, { label }, clockLeadMs) => {
    if (typeof json !== "object" || json === null) return undefined;
    const { tokenUrl, reason, said, status, retryAfterMs, causeCode, excerpt, nextAttemptAt } =
      json as Readonly<Record<string, unknown>>;
    if (!isText(tokenUrl) || !isText(said) || !isSharedReason(reason)) return undefined;
    if (!isTime(nextAttemptAt)) return undefined;
    const error = new TokenEndpointUnavailableError({
      endpoint: label,
      tokenUrl,
      reason,
      said,
      status: isTime(status) ? status : undefined,
      retryAfterMs: isTime(retryAfterMs) ? retryAfterMs : undefined,
      causeCode: isText(causeCode) ? causeCode : undefined,
      excerpt: isText(excerpt) ? excerpt : undefined,
    });
    // A clock that is wrong by a year locks nobody out.
    const latest = Date.now() + longestRetryAfterMs;
    return { error, nextAttemptAt: Math.min(nextAttemptAt - clockLeadMs, latest) };
  },
};

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= longestText;
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isSharedReason(value: unknown): value is UnavailableReason {
  return sharedReasons.some((reason) => reason === value);
}
