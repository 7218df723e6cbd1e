import { ApiKeyAuthenticator } from "./authenticators/api-key.ts";
import { BasicAuthenticator } from "./authenticators/basic.ts";
import { BearerAuthenticator } from "./authenticators/bearer.ts";
import { DigestAuthenticator } from "./authenticators/digest.ts";
import { DpopAuthenticator } from "./authenticators/dpop.ts";
import { plainEntries } from "./cache/entry-codec.ts";
import { GuardedCache } from "./cache/guarded-cache.ts";
import { memoryCache } from "./cache/memory-cache.ts";
import { SealedEntries } from "./cache/sealed-entries.ts";
import type { TokenCache } from "./cache/token-cache.ts";
import { type ChallengeMismatch, mismatchIn } from "./challenge-mismatch.ts";
import { ClientCertificates } from "./endpoint/client-certificate.ts";
import type { EndpointConfig } from "./endpoint/config.ts";
import type { GrantStrategy } from "./endpoint/grant-strategy.ts";
import { KnownEndpoint } from "./endpoint/known-endpoint.ts";
import { Recognition } from "./endpoint/recognition.ts";
import type { TransportOfInstance } from "./endpoint/resolved-transport.ts";
import { kindOf } from "./endpoint/secrets.ts";
import type { Snapshot } from "./endpoint/snapshot.ts";
import { checkNesting } from "./endpoint/validation.ts";
import { ClosedError, ConfigurationError } from "./errors.ts";
import { type EventName, Events, type Listener } from "./events.ts";
import { type Explanation, explanationOf } from "./explanation.ts";
import { grantRegistry } from "./grants/registry.ts";
import type { Authenticator, RequestLine } from "./http/authenticator.ts";
import { authorisedFetch, type Door } from "./http/authorised-fetch.ts";
import { BackendRoute } from "./http/backend-route.ts";
import { Destination } from "./http/destination.ts";
import { Dispatchers } from "./http/dispatchers.ts";
import { DpopProofs } from "./http/dpop-proofs.ts";
import type { Fetch } from "./http/fetch-types.ts";
import type { Refusal } from "./http/replay.ts";
import { type EndpointSecurityOptions, readOptions } from "./options.ts";
import { CachedSource } from "./tokens/cached-source.ts";
import { EndpointTokens } from "./tokens/endpoint-tokens.ts";
import { GrantedSource } from "./tokens/granted-source.ts";
import { SharedSource } from "./tokens/shared-source.ts";
import { SingleFlight } from "./tokens/single-flight.ts";
import { TokenDesk } from "./tokens/token-desk.ts";
import { tokenFormat } from "./tokens/token-format.ts";
import { TokenSet } from "./tokens/token-set.ts";
import type { TokenSource } from "./tokens/token-source.ts";

/** Options of a single call. */
export interface CallOptions {
  /** Ends this caller's wait with the signal's reason. A token request that others wait for goes on. */
  readonly signal?: AbortSignal | undefined;
  /** An access token that the backend refused, or the header that it was in: the answer is never this one again. */
  readonly rejectedToken?: string | undefined;
}

export interface HeadersOptions extends CallOptions {
  /** The request that the headers are for. `digest` endpoints need it. */
  readonly request?: RequestLine | undefined;
  /**
   * The `WWW-Authenticate` header of a 401 from the backend, for `digest` endpoints: there is no
   * header before the first one is known. The wrappers see to it themselves.
   */
  readonly challenge?: string | undefined;
}

/** What is remembered of a configuration: little, since there may be many. */
type Endpoint = EndpointTokens | BasicAuthenticator | DigestAuthenticator | ApiKeyAuthenticator;

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
  readonly #caches: readonly GuardedCache[];
  readonly #desk: TokenDesk;
  readonly #transports: TransportOfInstance;
  readonly #dispatchers = new Dispatchers();
  /** The header that was last given, and its token: a call like the one before costs no new promise. */
  #lastToken: TokenSet | undefined;
  #lastHeader: Promise<string> | undefined;
  /** Of endpoints whose backend asks for something else: made with the first one. */
  #mismatches: WeakMap<Endpoint, ChallengeMismatch> | undefined;
  #closed = false;

  /** @throws ConfigurationError */
  constructor(options: EndpointSecurityOptions<Grants> = {}) {
    const { cache, cacheTimeoutMs, encryptionKeys, fetch, grants, ...others } =
      readOptions(options);
    const { maxEntries, refreshAhead, transport } = others;
    const { emit } = this.#events;
    const guarded = (some: TokenCache) => new GuardedCache(some, cacheTimeoutMs, emit);
    const memory = guarded(memoryCache(maxEntries));
    const shared = cache && guarded(cache);
    this.#caches = shared ? [memory, shared] : [memory];

    // Each asks the next for what it lacks. A cache that was given may be anybody's to read, so its
    // entries are sealed; the memory of this process is not.
    const dpopProofs = new DpopProofs();
    this.#transports = { transport, clientCertificates: new ClientCertificates() };
    const dispatchers = this.#dispatchers;
    let source: TokenSource = new GrantedSource(emit, { fetch, dispatchers, dpopProofs });
    if (shared) {
      source = new SharedSource(source, shared, new SealedEntries(tokenFormat, encryptionKeys));
    }
    source = new CachedSource(source, memory, plainEntries(isTokenSet));
    this.#desk = new TokenDesk(new SingleFlight(source), grantRegistry(grants), {
      dpopProofs,
      transports: this.#transports,
      refreshAhead,
    });
  }

  /**
   * The value of the endpoint's `Authorization` header (of an `api_key` endpoint's own header). Where
   * tokens are bound to a key (`dpop`), it needs a proof beside it: use {@link getAuthHeaders}.
   * @throws AnyEndpointSecurityError
   */
  getAuthHeader(endpoint: EndpointConfig<Grants[number]>, options?: CallOptions): Promise<string> {
    // The usual call, and the cheapest: the same promise again, for as long as its token is good.
    if (options === undefined) {
      try {
        const seen = this.#endpoints.find(endpoint) ?? this.#endpoints.findContent(endpoint);
        const token = seen instanceof EndpointTokens ? seen.usable : undefined;
        if (token !== undefined) return this.#headerOf(token);
      } catch {
        // A getter of the configuration threw; below it does so again, as a rejection.
      }
    }
    return this.#getAuthHeader(endpoint, options);
  }

  /**
   * Every header that the request needs, by name.
   *
   * A `digest` endpoint's header is for one request: give `request`, and `challenge` until one is
   * known. Without, it rejects with a {@link DigestUnavailableError}.
   * @throws AnyEndpointSecurityError
   */
  async getAuthHeaders(
    endpoint: EndpointConfig<Grants[number]>,
    options: HeadersOptions = {},
  ): Promise<Record<string, string>> {
    options.signal?.throwIfAborted();
    const { request, challenge, rejectedToken, signal } = options;
    if (request !== undefined && !URL.canParse(request.url)) {
      const problem = {
        path: "request.url",
        problem: "is no absolute URL",
        mend: "write it whole",
      };
      throw new ConfigurationError({ problems: [problem] });
    }
    const authenticator = authenticatorOf(this.#know(endpoint));
    return { ...(await authenticator.headers({ request, challenge, rejectedToken, signal })) };
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

  /** Forgets the endpoint's token; with `accessToken` (or the header that it was in), only if it still is that one. */
  async invalidate(endpoint: EndpointConfig<Grants[number]>, accessToken?: string): Promise<void> {
    await this.#tokensOf(endpoint).forget(accessToken);
  }

  /**
   * A fetch that sends the endpoint's credentials to the endpoint's `url` and below, and nowhere
   * else. Relative URLs are joined below `url`. When the backend refuses a token (401, or as
   * `retryStatuses` says), it is renewed and the request sent once more, if its body can be (a
   * stream can't).
   *
   * Rejects as fetch does, and with the errors of {@link getAuthHeader}, or a
   * {@link DestinationRefusedError} for a request to somewhere else. No request is ever sent without
   * credentials, but the first one to a `digest` endpoint: the backend has to be asked for its
   * challenge (RFC 7616 §3.3), and the same request follows with the answer.
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
    const known = this.#know(endpoint);
    return explanationOf(known, this.#mismatches?.get(known));
  }

  /** Calls `listener` at every such event. @returns a function that stops it */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Waits for writes to the cache that are under way, and lets go of everything held. A cache made by
   * `createRedisCache` closes the connection that it opened; a Keyv or a client that was given stays
   * open. Calls after this reject with a {@link ClosedError}.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endpoints.clear();
    this.#lastToken = undefined;
    this.#lastHeader = undefined;
    this.#dispatchers.close();
    await Promise.all(this.#caches.map((cache) => cache.close()));
    this.#events.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * For wrappers of other clients: what to send to the endpoint, and where, at each moment.
   * @internal
   */
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

  #headerOf(token: TokenSet): Promise<string> {
    if (token !== this.#lastToken || this.#lastHeader === undefined) {
      this.#lastToken = token;
      this.#lastHeader = Promise.resolve(token.authorization);
    }
    return this.#lastHeader;
  }

  async #getAuthHeader(
    endpoint: EndpointConfig<Grants[number]>,
    options: CallOptions = {},
  ): Promise<string> {
    const known = this.#know(endpoint);
    // The proof that goes with it is another header, for one request.
    if (known instanceof EndpointTokens && known.isBound) {
      return (await known.token(options.rejectedToken, options.signal)).authorization;
    }
    const [value = ""] = Object.values(await this.getAuthHeaders(endpoint, options));
    return value;
  }

  #door(endpoint: Endpoint): Door {
    const { label, config } = endpoint.known;
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
      authenticator: authenticatorOf(endpoint),
      destination: new Destination(config.url, label),
      refused: (refusal) => this.#refused(endpoint, refusal),
      accepted: () => void this.#mismatches?.delete(endpoint),
      ...this.#wayTo(endpoint),
    };
  }

  #wayTo(endpoint: Endpoint): Pick<Door, "route" | "timeoutMs"> {
    const transport = endpoint.known.transport(this.#transports);
    if (transport === undefined) return { route: undefined, timeoutMs: undefined };
    const route = new BackendRoute({
      dispatchers: this.#dispatchers,
      resolve: () => transport.resolve(),
      wayOfToken: () => (endpoint instanceof EndpointTokens ? endpoint.wayOfLast : undefined),
      certificateChanged: () => {
        if (endpoint instanceof EndpointTokens) endpoint.reconsider();
      },
    });
    return { route, timeoutMs: transport.settings.timeoutMs };
  }

  #refused(endpoint: Endpoint, refusal: Refusal): void {
    const { label, type } = endpoint.known;
    const { sent, status, replayed } = refusal;
    // A request without any was sent to be asked for them.
    if (Object.keys(sent).length > 0) {
      this.#events.emit("credentialsRejected", { endpoint: label, status, replayed });
    }
    const before = this.#mismatches?.get(endpoint);
    const mismatch = mismatchIn(type, refusal);
    if (mismatch?.message === before?.message) return;
    if (mismatch === undefined) return void this.#mismatches?.delete(endpoint);
    this.#mismatches ??= new WeakMap();
    this.#mismatches.set(endpoint, mismatch);
    this.#events.emit("challengeMismatch", { endpoint: label, ...mismatch });
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
    checkNesting(config as unknown as Readonly<Record<string, unknown>>);
    const sighting = this.#endpoints.see(config);
    const endpoint = this.#endpointOf(sighting);
    this.#endpoints.learn(config, sighting, endpoint);
    return endpoint;
  }

  #endpointOf(seen: Snapshot): Endpoint {
    const known = new KnownEndpoint(seen, this.#desk.grants).validate();
    switch (known.type) {
      case "basic":
        return new BasicAuthenticator(known);
      case "digest":
        return new DigestAuthenticator(known, () =>
          this.#events.emit("serverProofFailed", { endpoint: known.label }),
        );
      case "api_key":
        return new ApiKeyAuthenticator(known);
      case "oauth2":
        return new EndpointTokens(seen, this.#desk);
    }
  }

  #tokensOf(endpoint: EndpointConfig<Grants[number]>): EndpointTokens {
    const remembered = this.#know(endpoint);
    if (remembered instanceof EndpointTokens) return remembered;
    const { label, type } = remembered.known;
    throw new ConfigurationError({
      endpoint: label,
      problems: [
        {
          path: "type",
          problem: `is "${type}", which has no tokens`,
          mend: "use getAuthHeader or getAuthHeaders",
        },
      ],
    });
  }
}

function authenticatorOf(endpoint: Endpoint): Authenticator {
  if (!(endpoint instanceof EndpointTokens)) return endpoint;
  return endpoint.isBound ? new DpopAuthenticator(endpoint) : new BearerAuthenticator(endpoint);
}

function isTokenSet(value: unknown): value is TokenSet {
  return value instanceof TokenSet;
}
