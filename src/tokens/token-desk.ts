import pMemoize from "p-memoize";
import { DpopKeys } from "../endpoint/dpop-key.ts";
import type { OwnGrantStrategy } from "../endpoint/grant-strategy.ts";
import { Identity } from "../endpoint/identity.ts";
import type { KnownEndpoint } from "../endpoint/known-endpoint.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import type { TransportOfInstance } from "../endpoint/resolved-transport.ts";
import type { DpopProofs } from "../http/dpop-proofs.ts";
import type { TokenSource } from "./token-source.ts";

/** One of several client secrets of an endpoint. */
export interface OneSecret {
  readonly which: number;
}

/** Whoever stands for an endpoint, one for each. */
interface Known {
  readonly known: KnownEndpoint;
}

/** What the endpoints of one instance share. */
export interface Shared {
  readonly dpopProofs: DpopProofs;
  readonly transports: TransportOfInstance;
  readonly refreshAhead: number | false;
}

/** Where the endpoints of one instance get their tokens. */
export class TokenDesk {
  readonly source: TokenSource;
  readonly grants: ReadonlyMap<string, OwnGrantStrategy>;
  readonly dpopProofs: DpopProofs;
  readonly dpopKeys = new DpopKeys();
  /** A thousand callers at once read the credentials once. */
  readonly resolve: (of: Known, secret?: OneSecret) => Promise<ResolvedEndpoint>;

  constructor(
    source: TokenSource,
    grants: ReadonlyMap<string, OwnGrantStrategy>,
    { dpopProofs, transports, refreshAhead }: Shared,
  ) {
    this.source = source;
    this.grants = grants;
    this.dpopProofs = dpopProofs;
    const { dpopKeys } = this;
    const instance = { identity: new Identity(), dpopKeys, transports, refreshAhead };
    this.resolve = pMemoize(async ({ known }, secret) => known.resolve(instance, secret?.which), {
      cache: false,
      cacheKey: ([of, secret]) => secret ?? of,
    });
  }
}
