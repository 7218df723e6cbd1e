import { ApiKeyAuthenticator } from "./authenticators/api-key.ts";
import { BasicAuthenticator } from "./authenticators/basic.ts";
import { BearerAuthenticator } from "./authenticators/bearer.ts";
import { plainEntries } from "./cache/entry-codec.ts";
import { GuardedCache } from "./cache/guarded-cache.ts";
import { memoryCache } from "./cache/memory-cache.ts";
import { SealedEntries } from "./cache/sealed-entries.ts";
import type { EndpointConfig } from "./endpoint/config.ts";
import type { GrantStrategy } from "./endpoint/grant-strategy.ts";
import { Identity } from "./endpoint/identity.ts";
import { KnownEndpoint } from "./endpoint/known-endpoint.ts";
import { Recognition } from "./endpoint/recognition.ts";
import { kindOf } from "./endpoint/secrets.ts";
import { ClosedError, ConfigurationError } from "./errors.ts";
import { type EventName, Events, type Listener } from "./events.ts";
import { type Explanation, explanationOf } from "./explanation.ts";
import { grantRegistry } from "./grants/registry.ts";
import type { Authenticator, RequestLine } from "./http/authenticator.ts";
import { authorisedFetch, type Door } from "./http/authorised-fetch.ts";
import { Destination } from "./http/destination.ts";
import type { Fetch } from "./http/fetch-types.ts";
import { type EndpointSecurityOptions, readOptions } from "./options.ts";
import { EndpointTokens, TokenDesk } from "./tokens/endpoint-tokens.ts";
import { GrantedSource } from "./tokens/granted-source.ts";
import { ReusingSource } from "./tokens/reusing-source.ts";
import { SharedSource } from "./tokens/shared-source.ts";
import { TokenSet, tokenFormat } from "./tokens/token-set.ts";

/** Options of a single call. */
export interface CallOptions {
  /** Ends this caller's wait with the signal's reason. A token request that others wait for goes on. */
  readonly signal?: AbortSignal | undefined;
  /** An access token that the backend refused: the answer is never this one again. */
  readonly rejectedToken?: string | undefined;
}

export interface HeadersOptions extends CallOptions {
  /** The request that the headers are for. */
  readonly request?: RequestLine | undefined;
}

/** What is remembered of a configuration. */
interface Endpoint {
  readonly known: KnownEndpoint;
  readonly authenticator: Authenticator;
}

/**
 * Gets the `Authorization` header of protected backends. Tokens are fetched once, cached, renewed
 * before they expire, and shared by whoever shares the cache.
 *
 * ```ts
 * const security = new EndpointSecurity();
 * const header = await security.getAuthHeader(orders); // "Bearer …"
 * ```
 *
 * Two instances share nothing but what they were given. Every method that takes an endpoint rejects
 * with (or, where it is synchronous, throws) a {@link ConfigurationError} for a wrong configuration.
 */
export class EndpointSecurity<const Grants extends readonly GrantStrategy[] = []> {
  readonly #events = new Events();
  readonly #endpoints = new Recognition<Endpoint>();
  readonly #grants: ReadonlyMap<string, GrantStrategy>;
  readonly #cache: GuardedCache;
  readonly #desk: TokenDesk;
  #closed = false;

  /** @throws ConfigurationError */
  constructor(options: EndpointSecurityOptions<Grants> = {}) {
    const { cache, cacheTimeoutMs, encryptionKeys, fetch, grants, maxEntries } =
      readOptions(options);
    const { emit } = this.#events;
    this.#grants = grantRegistry(grants);
    this.#cache = new GuardedCache(cache ?? memoryCache(maxEntries), cacheTimeoutMs, emit);
    // A cache that was given may be anybody's to read; the memory of this process is not.
    const entries =
      cache === undefined
        ? plainEntries((value) => value instanceof TokenSet)
        : new SealedEntries(tokenFormat, encryptionKeys);
    const granted = new GrantedSource(emit, fetch);
    const shared = new SharedSource(granted, this.#cache, entries);
    this.#desk = new TokenDesk(new ReusingSource(shared, { maxEntries }), new Identity());
  }

  /**
   * The value of the endpoint's `Authorization` header (of an `api_key` endpoint's own header).
   * @throws AnyEndpointSecurityError
   */
  async getAuthHeader(
    endpoint: EndpointConfig<Grants[number]>,
    options?: CallOptions,
  ): Promise<string> {
    const seen = options === undefined ? this.#endpoints.find(endpoint) : undefined;
    const usable = seen?.authenticator.usable?.();
    if (usable !== undefined) return usable;
    const [value = ""] = Object.values(await this.getAuthHeaders(endpoint, options));
    return value;
  }

  /**
   * Every header that the request needs, by name.
   * @throws AnyEndpointSecurityError
   */
  async getAuthHeaders(
    endpoint: EndpointConfig<Grants[number]>,
    options: HeadersOptions = {},
  ): Promise<Record<string, string>> {
    options.signal?.throwIfAborted();
    return { ...(await this.#know(endpoint).authenticator.headers(options)) };
  }

  /**
   * The access token, with what is known of it.
   * @throws AnyEndpointSecurityError
   */
  async getToken(
    endpoint: EndpointConfig<Grants[number]>,
    { rejectedToken, signal }: CallOptions = {},
  ): Promise<TokenSet> {
    return this.#tokensOf(endpoint).token(rejectedToken, signal);
  }

  /** Forgets the endpoint's token; with `accessToken`, only if it still is that one. */
  async invalidate(endpoint: EndpointConfig<Grants[number]>, accessToken?: string): Promise<void> {
    await this.#tokensOf(endpoint).forget(accessToken);
  }

  /**
   * A fetch that sends the endpoint's credentials to the endpoint's `url` and below, and nowhere
   * else. Relative URLs are joined below `url`. When the backend refuses a token (401), it is
   * renewed and the request sent once more, if its body can be (a stream can't).
   *
   * Rejects as fetch does, and with the errors of {@link getAuthHeader}, or a
   * {@link DestinationRefusedError} for a request to somewhere else. No request is ever sent without
   * credentials.
   */
  wrapFetch(
    endpoint: EndpointConfig<Grants[number]> & { readonly url: string },
    { fetch }: { readonly fetch?: Fetch | undefined } = {},
  ): Fetch {
    const open = this.doorTo(endpoint);
    // A mistake shows where the wrapper is made, and not with the first request.
    open();
    return authorisedFetch(open, fetch);
  }

  /** What is known of the endpoint, with nothing secret in it. */
  explain(endpoint: EndpointConfig<Grants[number]>): Explanation {
    const { known, authenticator } = this.#know(endpoint);
    return explanationOf(known, authenticator);
  }

  /** Calls `listener` at every such event. @returns a function that stops it */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Waits for writes to the cache that are under way, and lets go of everything held. A cache that
   * was given stays open: it belongs to whoever opened it. Calls after this reject with a
   * {@link ClosedError}.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endpoints.clear();
    await this.#cache.close();
    this.#events.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** For wrappers of other clients: what to send to the endpoint, and where, at each moment. */
  doorTo(endpoint: EndpointConfig<Grants[number]> & { readonly url: string }): () => Door {
    let of: Endpoint | undefined;
    let door: Door | undefined;
    return () => {
      const known = this.#know(endpoint);
      if (door === undefined || known !== of) {
        of = known;
        door = this.#door(known);
      }
      return door;
    };
  }

  #door({ known, authenticator }: Endpoint): Door {
    const { label, config } = known;
    if (typeof config.url !== "string") {
      throw new ConfigurationError({
        endpoint: label,
        problems: [
          {
            path: "url",
            problem: "is missing, so that a wrapper can't know where credentials may go",
            mend: "give the backend's URL",
          },
        ],
      });
    }
    return {
      authenticator,
      destination: new Destination(config.url, label),
      refused: (replayed) =>
        this.#events.emit("credentialsRejected", { endpoint: label, status: 401, replayed }),
    };
  }

  /** What is remembered of a configuration that still is as it was, else what can be told of it now. */
  #know(config: EndpointConfig<Grants[number]>): Endpoint {
    if (this.#closed) throw new ClosedError();
    if (typeof config !== "object" || config === null) {
      throw new ConfigurationError({
        problems: [
          { path: "endpoint", problem: `is ${kindOf(config)}`, mend: "give a configuration" },
        ],
      });
    }
    const seen = this.#endpoints.find(config) ?? this.#endpoints.findContent(config);
    if (seen !== undefined) return seen;
    const known = new KnownEndpoint(this.#endpoints.snapshot(config), this.#grants);
    const endpoint = { known, authenticator: this.#authenticatorOf(known) };
    this.#endpoints.learn(config, known.seen, endpoint);
    return endpoint;
  }

  #authenticatorOf(known: KnownEndpoint): Authenticator {
    switch (known.type) {
      case "basic":
        return new BasicAuthenticator(known);
      case "api_key":
        return new ApiKeyAuthenticator(known);
      case "oauth2":
        return new BearerAuthenticator(new EndpointTokens(known, this.#desk));
    }
  }

  #tokensOf(endpoint: EndpointConfig<Grants[number]>): EndpointTokens {
    const { known, authenticator } = this.#know(endpoint);
    if (authenticator instanceof BearerAuthenticator) return authenticator.tokens;
    throw new ConfigurationError({
      endpoint: known.label,
      problems: [
        {
          path: "type",
          problem: `is "${known.type}", which has no tokens`,
          mend: "use getAuthHeader or getAuthHeaders",
        },
      ],
    });
  }
}
