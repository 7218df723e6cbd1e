import pMemoize from "p-memoize";
import { boundedMap } from "../endpoint/bounded-map.ts";
import { withDeadline } from "../endpoint/deadline.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { ConfigurationError, TokenEndpointUnavailableError } from "../errors.ts";
import type { Fetch } from "../http/fetch-types.ts";
import type { IssuerMetadata } from "../oauth/issuer-metadata.ts";

// Metadata hardly ever changes; when it does, the old token endpoint mostly goes on for a while.
const renewAfterMs = 3_600_000;
const renewFirstAfterMs = 86_400_000;
const pauseMs = 60_000;
const refusalMs = 10_000;

interface Known {
  readonly metadata: IssuerMetadata;
  /** When it was last asked for. */
  triedAt: number;
  /** When the next renewal may begin, behind the back of whoever asks. */
  renewAt: number;
  /** From when on it is renewed before it is used, if it can be. */
  renewFirstAt: number;
}

/** Who asks, and by what. */
interface Asking {
  readonly issuer: string;
  readonly label: string;
  readonly fetch: Fetch | undefined;
  readonly timeoutMs: number;
}

/** The metadata of issuers, asked for once and kept. */
export class Issuers {
  readonly #known = boundedMap<string, Known>(1_000);
  /** Mistakes, which would only be found again. */
  readonly #refused = boundedMap<string, { readonly error: Error; readonly until: number }>(1_000);
  // Many endpoints have one issuer.
  readonly #flight = pMemoize(async (name: string, asking: Asking) => this.#ask(name, asking), {
    cache: false,
  });

  /** The endpoint with the token endpoint that its issuer names, where it names an issuer. */
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

  /** What is known of the issuer may be over: its token endpoint isn't where it was. */
  doubt(endpoint: ResolvedEndpoint): void {
    const known = this.#known.get(nameOf(endpoint));
    if (known === undefined || performance.now() < known.triedAt + pauseMs) return;
    known.renewFirstAt = 0;
  }

  async #metadata(name: string, asking: Asking): Promise<IssuerMetadata> {
    const now = performance.now();
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
    // One that can't be renewed is still the best there is, and time has to be left to use it.
    const sooner = { ...asking, timeoutMs: asking.timeoutMs / 2 };
    const renewed = this.#flight(name, sooner).catch(() => known.metadata);
    return first ? renewed : known.metadata;
  }

  async #ask(name: string, { issuer, label, fetch, timeoutMs }: Asking): Promise<IssuerMetadata> {
    const { issuerMetadata } = await import("../oauth/issuer-metadata.ts");
    try {
      const metadata = await withDeadline(
        timeoutMs,
        (signal) => issuerMetadata(issuer, { endpoint: label, fetch, signal }),
        () => tooLate(issuer, label, timeoutMs),
      );
      const triedAt = performance.now();
      this.#known.set(name, {
        metadata,
        triedAt,
        renewAt: triedAt + renewAfterMs,
        renewFirstAt: triedAt + renewFirstAfterMs,
      });
      return metadata;
    } catch (error) {
      if (error instanceof ConfigurationError) {
        this.#refused.set(name, { error, until: performance.now() + refusalMs });
      }
      throw error;
    }
  }
}

/** What one way leads to is not believed on another: each has its own trust. */
function nameOf({ settings, transport }: ResolvedEndpoint): string {
  return JSON.stringify([settings.issuer, transport?.name]);
}

function tooLate(issuer: string, endpoint: string, timeoutMs: number) {
  return new TokenEndpointUnavailableError({
    endpoint,
    tokenUrl: issuer,
    reason: "timeout",
    said: `is not known yet: the issuer's metadata did not come within ${timeoutMs} ms`,
  });
}
