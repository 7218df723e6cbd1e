import { boundedMap } from "../bounded-map.ts";
import type { EntryCache } from "../cache/entry-cache.ts";
import type { EntryCodec } from "../cache/entry-codec.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import type { TokenSet } from "./token-set.ts";
import type { TokenSource } from "./token-source.ts";

/** The tokens in a cache. */
export class CachedTokens {
  readonly #cache: EntryCache;
  readonly #clock: Clock;
  readonly #entries: EntryCodec<TokenSet>;
  /** Access tokens that were to be forgotten: a cache that accepts no writes would return them again. */
  readonly #forgotten = boundedMap<string, true>(1_000);

  constructor(cache: EntryCache, entries: EntryCodec<TokenSet>, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#cache = cache;
    this.#entries = entries;
  }

  /** The newest entry for which `isGood` holds, else the newest. There may be one for each encryption key. */
  async read(
    endpoint: ResolvedEndpoint,
    isGood: (token: TokenSet) => boolean = () => true,
  ): Promise<TokenSet | undefined> {
    let newest: TokenSet | undefined;
    let good: TokenSet | undefined;
    for (const [index, name] of (await this.#entries.names(endpoint)).entries()) {
      const value = await this.#cache.get(name);
      // A cache that just timed out isn't asked for another name.
      if (value === undefined && this.#cache.isInTrouble) break;
      if (value === undefined || value === null) continue;
      const lead = this.#cache.clockLeadMs;
      const token = await this.#entries.read(endpoint, value, { name: index, clockLeadMs: lead });
      if (token === undefined) this.#cache.unusable(name);
      else if (isNewer(token, newest)) newest = token;
      if (token !== undefined && isGood(token) && isNewer(token, good)) good = token;
    }
    return good ?? newest;
  }

  async write(endpoint: ResolvedEndpoint, token: TokenSet): Promise<void> {
    await (await this.prepareWrite(endpoint, token))();
  }

  /** @returns what writes the sealed token. */
  async prepareWrite(endpoint: ResolvedEndpoint, token: TokenSet): Promise<() => Promise<void>> {
    const value = await this.#entries.write(endpoint, token, this.#cache.clockLeadMs);
    const [name = ""] = await this.#entries.names(endpoint);
    return () => this.#cache.set(name, value, token.keptUntil - this.#clock.now());
  }

  /** The name of the endpoint's lease. */
  leaseName(endpoint: ResolvedEndpoint): Promise<string> {
    return this.#entries.leaseName(endpoint);
  }

  markForgotten(accessToken: string): void {
    this.#forgotten.set(accessToken, true);
  }

  isForgotten({ accessToken }: TokenSet): boolean {
    return this.#forgotten.has(accessToken);
  }

  /**
   * Forgets the endpoint's token here and in `next`; with `only`, if it still is that one.
   * @param isCopy whether a token read from here may be a copy of one in `next`.
   */
  async forget(
    endpoint: ResolvedEndpoint,
    only: string | undefined,
    next: TokenSource,
    isCopy: (token: TokenSet) => boolean = () => false,
  ): Promise<void> {
    // From the outermost cache inwards: a call meanwhile would bring the token back from there.
    const before = await this.read(endpoint);
    if (before !== undefined) this.#forgetIf(before, only);
    await next.forget(endpoint, only);
    const cached = await this.read(endpoint);
    // A token that was obtained meanwhile is a new one, and stays.
    const isTheSame = cached?.accessToken === before?.accessToken;
    if (cached === undefined || !(isTheSame || isCopy(cached)) || !this.#forgetIf(cached, only)) {
      return;
    }
    for (const name of await this.#entries.names(endpoint)) await this.#cache.delete(name);
  }

  #forgetIf(token: TokenSet, only: string | undefined): boolean {
    if (only !== undefined && token.accessToken !== only) return false;
    this.markForgotten(token.accessToken);
    token.drop();
    return true;
  }
}

function isNewer(token: TokenSet, than: TokenSet | undefined): boolean {
  return than === undefined || token.issuedAt > than.issuedAt;
}
