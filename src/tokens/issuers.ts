import pMemoize from "p-memoize";
import { boundedMap } from "../bounded-map.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { ConfigurationError, TokenEndpointUnavailableError } from "../errors.ts";
import type { Fetch } from "../http/fetch-types.ts";
import type { IssuerMetadata } from "../oauth/issuer-metadata.ts";
import { withDeadline } from "../waiting/deadline.ts";

// Metadata hardly ever changes; when it does, the old token endpoint mostly works for a while.
const renewAfterMs = 3_600_000;
const renewFirstAfterMs = 86_400_000;
const pauseMs = 60_000;
const refusalMs = 10_000;

interface Known {
  readonly issuer: string;
  readonly metadata: IssuerMetadata;
  /** When it was last asked for. */
  triedAt: number;
  /** When the next renewal in the background may begin. */
  renewAt: number;
  /** From then on it is renewed before it is used, if possible. */
  renewFirstAt: number;
}

/** Which issuer, for which endpoint, and how. */
interface MetadataRequest {
  readonly issuer: string;
  readonly label: string;
  readonly fetch: Fetch | undefined;
  readonly timeoutMs: number;
}

/** The metadata of issuers, requested once and kept. */
export class Issuers {
  readonly #clock: Clock;
  readonly #known = boundedMap<string, Known>(1_000);
  /** Mistakes in metadata: a new request would only find them again. */
  readonly #refused = boundedMap<string, { readonly error: Error; readonly until: number }>(1_000);
  // Many endpoints have one issuer.
  readonly #flight = pMemoize(
    async (name: string, asking: MetadataRequest) => this.#ask(name, asking),
    {
      cache: false,
    },
  );

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** The endpoint with the token endpoint of its issuer, if it has an issuer. */
  async located(
    endpoint: ResolvedEndpoint,
    fetch: Fetch | undefined,
    timeoutMs: number,
  ): Promise<ResolvedEndpoint> {
    const { label, settings } = endpoint;
    const { issuer } = settings;
    if (issuer === undefined) return endpoint;
    const asking = { issuer, label, fetch, timeoutMs };
    const metadata = await this.#metadata(nameOf(endpoint), asking);
    const { discoveredEndpoint } = await import("../oauth/discovered-endpoint.ts");
    return discoveredEndpoint(endpoint, metadata);
  }

  /** The token endpoint that an issuer names, once that is known on some way. */
  tokenEndpointOf(issuer: string): string | undefined {
    for (const known of this.#known.values()) {
      const { tokenEndpoint } = known.metadata;
      if (known.issuer === issuer && typeof tokenEndpoint === "string") return tokenEndpoint;
    }
    return undefined;
  }

  /** The token endpoint may have moved: the metadata is renewed before it is used again. */
  doubt(endpoint: ResolvedEndpoint): void {
    const known = this.#known.get(nameOf(endpoint));
    if (known === undefined || this.#clock.monotonic() < known.triedAt + pauseMs) return;
    known.renewFirstAt = 0;
  }

  async #metadata(name: string, asking: MetadataRequest): Promise<IssuerMetadata> {
    const now = this.#clock.monotonic();
    const known = this.#known.get(name);
    if (known === undefined) {
      const refused = this.#refused.get(name);
      if (refused !== undefined && now < refused.until) throw refused.error;
      return this.#flight(name, asking);
    }
    if (now < known.renewAt && now < known.renewFirstAt) return known.metadata;
    const first = now >= known.renewFirstAt;
    known.triedAt = now;
    known.renewAt = now + pauseMs;
    if (first) known.renewFirstAt = now + pauseMs;
    // Old metadata is better than none, and some time must remain to use it.
    const sooner = { ...asking, timeoutMs: asking.timeoutMs / 2 };
    const renewed = this.#flight(name, sooner).catch(() => known.metadata);
    return first ? renewed : known.metadata;
  }

  async #ask(
    name: string,
    { issuer, label, fetch, timeoutMs }: MetadataRequest,
  ): Promise<IssuerMetadata> {
    const { issuerMetadata } = await import("../oauth/issuer-metadata.ts");
    try {
      const metadata = await withDeadline(
        timeoutMs,
        (signal) => issuerMetadata(issuer, { endpoint: label, fetch, signal }),
        () => tooLate(issuer, label, timeoutMs),
      );
      const triedAt = this.#clock.monotonic();
      this.#known.set(name, {
        issuer,
        metadata,
        triedAt,
        renewAt: triedAt + renewAfterMs,
        renewFirstAt: triedAt + renewFirstAfterMs,
      });
      return metadata;
    } catch (error) {
      if (error instanceof ConfigurationError) {
        this.#refused.set(name, { error, until: this.#clock.monotonic() + refusalMs });
      }
      throw error;
    }
  }
}

/** Each transport has its own trust, so each has its own metadata. */
function nameOf({ settings, transport }: ResolvedEndpoint): string {
  return JSON.stringify([settings.issuer, transport?.name]);
}

function tooLate(issuer: string, endpoint: string, timeoutMs: number) {
  return new TokenEndpointUnavailableError({
    endpoint,
    tokenUrl: issuer,
    reason: "timeout",
    said: `is not known yet: the issuer's metadata did not arrive within ${timeoutMs} ms`,
  });
}
