import pMemoize from "p-memoize";
import type { GrantStrategy } from "../endpoint/grant-strategy.ts";
import { Identity } from "../endpoint/identity.ts";
import { KnownEndpoint } from "../endpoint/known-endpoint.ts";
import type { Snapshot } from "../endpoint/snapshot.ts";
import { type AnyEndpointSecurityError, isEndpointSecurityError } from "../errors.ts";
import { abandonable } from "./abandonable.ts";
import type { TokenSet } from "./token-set.ts";
import type { TokenSource } from "./token-source.ts";

/** What the endpoints of one instance share. */
export class TokenDesk {
  readonly source: TokenSource;
  readonly grants: ReadonlyMap<string, GrantStrategy>;
  readonly #identity = new Identity();
  /** A thousand callers at once read the credentials once. */
  readonly resolve = pMemoize(async ({ known }: EndpointTokens) => known.resolve(this.#identity), {
    cache: false,
  });

  constructor(source: TokenSource, grants: ReadonlyMap<string, GrantStrategy>) {
    this.source = source;
    this.grants = grants;
  }
}

/** Why an endpoint last got no token. */
export interface LastFailure {
  readonly at: number;
  readonly error: AnyEndpointSecurityError;
}

/** The tokens of one endpoint. */
export class EndpointTokens {
  readonly #seen: Snapshot;
  readonly #desk: TokenDesk;
  /** The token that was last at hand, usable or not. */
  last: TokenSet | undefined;
  lastFailure: LastFailure | undefined;

  constructor(seen: Snapshot, desk: TokenDesk) {
    this.#seen = seen;
    this.#desk = desk;
  }

  get known(): KnownEndpoint {
    return new KnownEndpoint(this.#seen, this.#desk.grants);
  }

  /** The token at hand, while it may be sent. */
  get usable(): TokenSet | undefined {
    return this.last?.isUsable ? this.last : undefined;
  }

  /** @param not an access token that the backend refused. */
  async token(not?: string, signal?: AbortSignal): Promise<TokenSet> {
    signal?.throwIfAborted();
    const { last, usable } = this;
    if (usable !== undefined && (not === undefined || usable.accessToken !== not)) return usable;
    // Compared before it is dropped: another caller may have brought a new one meanwhile.
    if (not !== undefined && last?.accessToken === not) last.drop();
    return abandonable(this.#obtain(not), signal);
  }

  async forget(only?: string): Promise<void> {
    if (only === undefined || this.last?.accessToken === only) this.last?.drop();
    await this.#desk.source.forget(await this.#desk.resolve(this), only);
  }

  async #obtain(not?: string): Promise<TokenSet> {
    try {
      const endpoint = await this.#desk.resolve(this);
      const token = await this.#desk.source.token(endpoint, not);
      this.last = token;
      this.lastFailure = undefined;
      return token;
    } catch (error) {
      if (!isEndpointSecurityError(error)) throw error;
      // The request may have been made for an endpoint with the same credentials and another name.
      const own = error.for(this.known.label);
      this.lastFailure = { at: Date.now(), error: own };
      throw own;
    }
  }
}
