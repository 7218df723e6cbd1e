import type { EntryCodec } from "../cache/entry-codec.ts";
import type { GuardedCache } from "../cache/guarded-cache.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import type { TokenSet } from "./token-set.ts";
import { heldIn, replaces, type TokenSource, type Unwanted } from "./token-source.ts";

/** The memory of this process: a cache that is as quick as it is sure. */
export class CachedSource implements TokenSource {
  protected readonly next: TokenSource;
  protected readonly cache: GuardedCache;
  readonly #entries: EntryCodec<TokenSet>;

  constructor(next: TokenSource, cache: GuardedCache, entries: EntryCodec<TokenSet>) {
    this.next = next;
    this.cache = cache;
    this.#entries = entries;
  }

  async token(endpoint: ResolvedEndpoint, not?: Unwanted): Promise<TokenSet> {
    const cached = await this.read(endpoint);
    if (cached !== undefined && replaces(cached, not)) return cached;
    // What was dropped here may still stand in the next cache.
    const unwanted = not ?? (cached?.isDropped ? { accessToken: cached.accessToken } : undefined);
    const token = await this.next.token(endpoint, unwanted, heldIn(cached));
    await this.write(endpoint, token);
    return token;
  }

  async forget(endpoint: ResolvedEndpoint, only?: string): Promise<void> {
    const cached = await this.read(endpoint);
    if (cached !== undefined && (only === undefined || cached.accessToken === only)) {
      cached.drop();
      for (const name of await this.#entries.names(endpoint)) await this.cache.delete(name);
    }
    await this.next.forget(endpoint, only);
  }

  /** The same name for everybody, in whatever order they have their keys. */
  protected async leaseNameOf(endpoint: ResolvedEndpoint): Promise<string> {
    const [name = ""] = [...(await this.#entries.names(endpoint))].sort();
    return `${name}:lease`;
  }

  /** The first entry that is good for something, else the first. There may be one for each key. */
  protected async read(
    endpoint: ResolvedEndpoint,
    isGood: (token: TokenSet) => boolean = () => true,
  ): Promise<TokenSet | undefined> {
    let first: TokenSet | undefined;
    for (const [index, name] of (await this.#entries.names(endpoint)).entries()) {
      const value = await this.cache.get(name);
      // Whoever waited for it once in vain doesn't wait again for another name.
      if (value === undefined && this.cache.isInTrouble) break;
      if (value === undefined || value === null) continue;
      const lead = this.cache.clockLeadMs;
      const token = await this.#entries.read(endpoint, value, { name: index, clockLeadMs: lead });
      if (token === undefined) this.cache.unusable(name);
      else if (isGood(token)) return token;
      first ??= token;
    }
    return first;
  }

  protected async write(endpoint: ResolvedEndpoint, token: TokenSet): Promise<void> {
    const value = await this.#entries.write(endpoint, token, this.cache.clockLeadMs);
    const [name = ""] = await this.#entries.names(endpoint);
    await this.cache.set(name, value, token.keptUntil - Date.now());
  }
}
