import pMemoize from "p-memoize";
import type { Identity } from "../endpoint/identity.ts";
import type { KnownEndpoint } from "../endpoint/known-endpoint.ts";
import { type AnyEndpointSecurityError, isEndpointSecurityError } from "../errors.ts";
import { abandonable } from "./abandonable.ts";
import type { HeldToken, ReusingSource } from "./reusing-source.ts";
import type { TokenSet } from "./token-set.ts";

/** What the endpoints of one instance share. */
export class TokenDesk {
  readonly source: ReusingSource;
  readonly identity: Identity;
  /** A thousand callers at once read the credentials once. */
  readonly resolve = pMemoize(async (known: KnownEndpoint) => known.resolve(this.identity), {
    cache: false,
  });

  constructor(source: ReusingSource, identity: Identity) {
    this.source = source;
    this.identity = identity;
  }
}

/** Why an endpoint last got no token. */
export interface LastFailure {
  readonly at: number;
  readonly error: AnyEndpointSecurityError;
}

/** The tokens of one endpoint. */
export class EndpointTokens {
  readonly known: KnownEndpoint;
  readonly #desk: TokenDesk;
  #held: HeldToken | undefined;
  #lastFailure: LastFailure | undefined;

  constructor(known: KnownEndpoint, desk: TokenDesk) {
    this.known = known;
    this.#desk = desk;
  }

  /** The token at hand, while it may be sent. */
  usable(): TokenSet | undefined {
    return this.#held?.usable();
  }

  get held(): HeldToken | undefined {
    return this.#held;
  }

  get lastFailure(): LastFailure | undefined {
    return this.#lastFailure;
  }

  /** @param not an access token that the backend refused. */
  async token(not?: string, signal?: AbortSignal): Promise<TokenSet> {
    signal?.throwIfAborted();
    const usable = this.usable();
    if (usable !== undefined && (not === undefined || usable.accessToken !== not)) return usable;
    return abandonable(this.#obtain(not), signal);
  }

  async forget(only?: string): Promise<void> {
    this.#held?.release(only);
    await this.#desk.source.forget(await this.#desk.resolve(this.known), only);
  }

  async #obtain(not?: string): Promise<TokenSet> {
    try {
      const endpoint = await this.#desk.resolve(this.known);
      // Another secret is another identity: what was held for the old one is let go.
      this.#held = this.#desk.source.held(endpoint);
      const token = await this.#desk.source.token(endpoint, not);
      this.#lastFailure = undefined;
      return token;
    } catch (error) {
      if (!isEndpointSecurityError(error)) throw error;
      // The request may have been made for an endpoint with the same credentials and another name.
      const own = error.for(this.known.label);
      this.#lastFailure = { at: Date.now(), error: own };
      throw own;
    }
  }
}
