import pMemoize from "p-memoize";
import { boundedMap } from "../bounded-map.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { OAuth2Endpoint } from "../configuration/parsed-endpoint.ts";
import type { ClientCertificates } from "../credentials/client-certificate.ts";
import { DpopKeys } from "../credentials/dpop-key.ts";
import { FileReads } from "../credentials/file-reads.ts";
import { Identity } from "../endpoint/identity.ts";
import { resolveEndpoint } from "../endpoint/resolve-endpoint.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import type { DpopProofs } from "../http/dpop-proofs.ts";
import { type Tracing, untraced } from "../tracing.ts";
import { ForcedRenewals } from "./forced-renewals.ts";
import type { TokenSource } from "./token-source.ts";

/** One of several client secrets of an endpoint. */
export interface OneSecret {
  readonly which: number;
}

/** What the endpoints of one instance get their tokens with. */
export class TokenDependencies {
  readonly source: TokenSource;
  readonly forced = boundedMap<string, ForcedRenewals>(1_000);
  readonly dpopProofs: DpopProofs;
  readonly clock: Clock;
  readonly tracing: Tracing;
  /** Calls that got a token from the memory of the process. */
  memoryHits = 0;
  readonly dpopKeys = new DpopKeys();
  /** Reads the endpoint's credentials: once for a thousand callers at the same time. */
  readonly resolve: (endpoint: OAuth2Endpoint, secret?: OneSecret) => Promise<ResolvedEndpoint>;

  constructor(
    source: TokenSource,
    {
      dpopProofs,
      clientCertificates,
      clock = systemClock,
      tracing = untraced(),
    }: {
      readonly dpopProofs: DpopProofs;
      readonly clientCertificates: ClientCertificates;
      readonly clock?: Clock;
      readonly tracing?: Tracing;
    },
  ) {
    this.source = source;
    this.clock = clock;
    this.tracing = tracing;
    this.dpopProofs = dpopProofs;
    const { dpopKeys } = this;
    const identity = new Identity();
    const shared = { identity, dpopKeys, clientCertificates, files: new FileReads() };
    const resolve: typeof this.resolve = async (endpoint, secret) =>
      resolveEndpoint(endpoint, shared, secret?.which);
    const together = pMemoize(resolve, {
      cache: false,
      cacheKey: ([endpoint, secret]) => secret ?? endpoint,
    });
    this.resolve = (endpoint, secret) =>
      endpoint.grant.isPerCall ? resolve(endpoint, secret) : together(endpoint, secret);
  }

  /** One count for each identity: the backend is the same under however many names it is configured. */
  forcedRenewalsOf(identity: string): ForcedRenewals {
    const forced = this.forced.get(identity) ?? new ForcedRenewals(this.clock);
    this.forced.set(identity, forced);
    return forced;
  }
}
