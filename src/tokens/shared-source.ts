import type { EntryCodec } from "../cache/entry-codec.ts";
import type { GuardedCache } from "../cache/guarded-cache.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { usableUntil } from "./freshness.ts";
import type { TokenSet } from "./token-set.ts";
import type { TokenSource } from "./token-source.ts";

/** The cache: a token that another process, or this one earlier, left there. */
export class SharedSource implements TokenSource {
  readonly #next: TokenSource;
  readonly #cache: GuardedCache;
  readonly #entries: EntryCodec<TokenSet>;

  constructor(next: TokenSource, cache: GuardedCache, entries: EntryCodec<TokenSet>) {
    this.#next = next;
    this.#cache = cache;
    this.#entries = entries;
  }

  async token(endpoint: ResolvedEndpoint, not?: string): Promise<TokenSet> {
    const cached = await this.#read(endpoint);
    if (cached !== undefined && cached.accessToken !== not) return cached;
    const token = await this.#next.token(endpoint, not);
    const [name = ""] = this.#entries.names(endpoint);
    this.#cache.set(name, await this.#entries.write(endpoint, token), token.expiresAt - Date.now());
    return token;
  }

  async forget(endpoint: ResolvedEndpoint, only?: string): Promise<void> {
    if (only !== undefined && (await this.#read(endpoint))?.accessToken !== only) return;
    for (const name of this.#entries.names(endpoint)) await this.#cache.delete(name);
  }

  async #read(endpoint: ResolvedEndpoint): Promise<TokenSet | undefined> {
    for (const [index, name] of this.#entries.names(endpoint).entries()) {
      const value = await this.#cache.get(name);
      if (value === undefined || value === null) continue;
      const token = await this.#entries.read(endpoint, value, index);
      if (token === undefined) this.#cache.unusable("an entry that can't be opened");
      else if (Date.now() < usableUntil(token, endpoint.settings)) return token;
    }
    return undefined;
  }
}
