import { Backends } from "./backends.ts";
import { GuardedCache } from "./cache/guarded-cache.ts";
import { MemoryCache } from "./cache/memory-cache.ts";
import { type CallOptions, checkRequest, type HeadersOptions } from "./call-options.ts";
import type { BackendConfig, EndpointConfig } from "./configuration/endpoint-config.ts";
import type { GrantStrategy } from "./configuration/grant-strategy.ts";
import { EndpointParser } from "./configuration/parse-endpoint.ts";
import { ClientCertificates } from "./credentials/client-certificate.ts";
import { ClosedError, type ConfigurationError } from "./errors.ts";
import { type AnyListener, type EventName, Events, type Listener } from "./events.ts";
import { type Explanation, explanationOf } from "./explanation.ts";
import { grantRegistry } from "./grants/registry.ts";
import { authorisedFetch, type BackendAccess } from "./http/authorised-fetch.ts";
import { Dispatchers } from "./http/dispatchers.ts";
import { DpopProofs } from "./http/dpop-proofs.ts";
import type { Fetch } from "./http/fetch-types.ts";
import {
  authenticatorOf,
  type KnownEndpoint,
  KnownEndpoints,
  tokensOf,
} from "./known-endpoints.ts";
import { LastHeader } from "./last-header.ts";
import { type EndpointSecurityOptions, readOptions } from "./options.ts";
import { tokenSources } from "./token-sources.ts";
import { CoolDown } from "./tokens/cool-down.ts";
import { EndpointTokens } from "./tokens/endpoint-tokens.ts";
import type { SingleFlight } from "./tokens/single-flight.ts";
import { TokenDependencies } from "./tokens/token-dependencies.ts";
import { TokenEndpointSource } from "./tokens/token-endpoint-source.ts";
import type { TokenSet } from "./tokens/token-set.ts";
import { type Tracer, untraced } from "./tracing.ts";

/**
 * Gets the `Authorization` header of protected backends. Tokens are requested once, cached, and renewed
 * before they expire. Create one instance for a process; instances share nothing but their cache.
 *
 * Every method that takes an endpoint rejects with (if it is synchronous: throws) a
 * {@link ConfigurationError} for a wrong configuration.
 * @example
 * ```ts
 * const security = new EndpointSecurity();
 * const header = await security.getAuthHeader(orders); // "Bearer …"
 * ```
 */
export class EndpointSecurity<const Grants extends readonly GrantStrategy[] = []> {
  readonly #events = new Events();
  readonly #endpoints: KnownEndpoints;
  readonly #flights: SingleFlight;
  readonly #coolDown: CoolDown;
  readonly #requests: TokenEndpointSource;
  readonly #memory: MemoryCache;
  readonly #shared: GuardedCache | undefined;
  readonly #tokens: TokenDependencies;
  readonly #dispatchers = new Dispatchers();
  readonly #backends: Backends;
  readonly #tracing = untraced();
  #closed = false;
  readonly #lastHeader = new LastHeader();

  /** @throws ConfigurationError */
  constructor(options: EndpointSecurityOptions<Grants> = {}) {
    const { cache, clock, encryptionKeys, fetch, grants, ...settings } = readOptions(options);
    const { emit } = this.#events;
    const tracing = this.#tracing;
    const memory = new MemoryCache(settings.maxEntries);
    const shared =
      cache && new GuardedCache(cache, settings.cacheTimeoutMs, emit, { clock, tracing });
    this.#memory = memory;
    this.#shared = shared;
    const dpopProofs = new DpopProofs();
    const clientCertificates = new ClientCertificates();
    const dispatchers = this.#dispatchers;
    const coolDown = new CoolDown(clock);
    this.#coolDown = coolDown;
    this.#backends = new Backends({ emit, dispatchers, clientCertificates });
    this.#requests = new TokenEndpointSource(emit, {
      fetch,
      dispatchers,
      dpopProofs,
      coolDown,
      clock,
      tracing,
    });
    this.#flights = tokenSources(this.#requests, coolDown, {
      memory,
      shared,
      encryptionKeys,
      clock,
      tracing,
      emit,
    });
    this.#tokens = new TokenDependencies(this.#flights, {
      dpopProofs,
      clientCertificates,
      clock,
      tracing,
    });
    this.#endpoints = new KnownEndpoints({
      emit,
      parser: new EndpointParser(grantRegistry(grants), settings),
      tokens: this.#tokens,
    });
  }

  /**
   * The value of the endpoint's `Authorization` header, or of the header that `headerName` names. A token
   * that is bound to a key (`dpop`) needs a second header, the proof: use {@link getAuthHeaders}.
   * @throws AnyEndpointSecurityError
   */
  getAuthHeader(endpoint: EndpointConfig<Grants[number]>, options?: CallOptions): Promise<string> {
    // The usual call takes the shortest way: no other promise than its own.
    if (options === undefined) {
      try {
        const known = this.#endpoints.find(endpoint);
        if (known instanceof EndpointTokens) {
          const token = known.current();
          if (token !== undefined) return this.#lastHeader.of(token, known.headerPrefix);
          return known.next().then((next) => next.headerValue(known.headerPrefix));
        }
      } catch {
        // A getter of the configuration threw; below it throws again, as a rejection.
      }
    }
    return this.#getAuthHeader(endpoint, options);
  }

  /**
   * Every header that the request needs, by name.
   *
   * A `digest` endpoint's header is for one request: pass `request`, and `challenge` until one is known;
   * otherwise it rejects with a {@link DigestUnavailableError}.
   * @throws AnyEndpointSecurityError
   */
  async getAuthHeaders(
    endpoint: EndpointConfig<Grants[number]>,
    options: HeadersOptions = {},
  ): Promise<Record<string, string>> {
    options.signal?.throwIfAborted();
    const { request, challenge, rejectedToken, signal } = options;
    checkRequest(request);
    const authenticator = authenticatorOf(this.#known(endpoint));
    return { ...(await authenticator.headers({ request, challenge, rejectedToken, signal })) };
  }

  /**
   * The access token with its type, expiry, scope and further parameters.
   * @throws AnyEndpointSecurityError
   */
  async getToken(
    endpoint: EndpointConfig<Grants[number]>,
    options: CallOptions = {},
  ): Promise<TokenSet> {
    return this.#tokensOf(endpoint).token(options.rejectedToken, options.signal);
  }

  /** Forgets the endpoint's token; with `accessToken` (or its header), only if that still is the token. */
  async invalidate(endpoint: EndpointConfig<Grants[number]>, accessToken?: string): Promise<void> {
    await this.#tokensOf(endpoint).forget(accessToken);
  }

  /**
   * A fetch that sends the endpoint's credentials to `url` and below, and nowhere else. Relative URLs are
   * joined below `url`. When the backend rejects a token (401, or a status of
   * `renewal.rejectionStatuses`), the token is renewed and the request replayed, unless its body is a
   * stream.
   *
   * It rejects as fetch does, with the errors of {@link getAuthHeader}, and with a
   * {@link DestinationRefusedError} for a request to any other address. No request goes without
   * credentials, except the first one to a `digest` endpoint, which gets the challenge (RFC 7616 §3.3).
   * @example
   * ```ts
   * const ordersFetch = security.wrapFetch(orders);
   * const response = await ordersFetch("/orders/42");
   * ```
   */
  wrapFetch(
    endpoint: BackendConfig<Grants[number]>,
    options: { readonly fetch?: Fetch | undefined } = {},
  ): Fetch {
    const open = this.accessTo(endpoint);
    // A wrong configuration fails here, not at the first request.
    open();
    return authorisedFetch(open, options.fetch);
  }

  /** What is known of the endpoint, without secrets. */
  explain(endpoint: EndpointConfig<Grants[number]>): Explanation {
    return this.#explain(this.#known(endpoint));
  }

  /**
   * What is known of every endpoint that this instance was asked for, in the order of their first use; of the
   * last 1,000 where there are more. An endpoint whose configuration was changed is there as it was and as it
   * is, until {@link clear}.
   */
  endpoints(): Explanation[] {
    return this.#endpoints.all().map((known) => this.#explain(known));
  }

  /**
   * Forgets every token, failure and session of this instance, for tests that share one. Tokens in a
   * shared cache stay there.
   */
  async clear(): Promise<void> {
    if (this.#closed) throw new ClosedError();
    await this.#flights.settled();
    this.#endpoints.clear();
    this.#lastHeader.clear();
    this.#coolDown.clear();
    this.#tokens.forced.clear();
    await this.#memory.clear();
  }

  /**
   * Calls `listener` with the name of every event and the event itself.
   * @returns a function that removes the listener
   */
  onAny(listener: AnyListener): () => void {
    return this.#events.onAny(listener);
  }

  /**
   * Calls `listener` for every event of this name.
   * @returns a function that removes the listener
   */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Waits for pending token requests and writes to the cache, each within its deadline, and releases
   * everything. A cache of `createRedisCache` closes the connection that it opened; a Keyv or a client of
   * yours stays open. Later calls reject with a {@link ClosedError}.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#endpoints.clear();
    this.#lastHeader.clear();
    await this.#flights.settled();
    this.#dispatchers.close();
    await this.#shared?.close();
    this.#events.clear();
  }

  /** The same as {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * For wrappers of other clients: the access to the backend, as the configuration says at each request.
   * @internal
   */
  accessTo(endpoint: BackendConfig<Grants[number]>): () => BackendAccess {
    return this.#backends.opener(() => this.#known(endpoint));
  }

  /**
   * For metrics and traces. @returns how many calls got a token from memory, and what ends the watching
   * @internal
   */
  watch(tracer: Tracer): { memoryHits(): number; end(): void } {
    this.#tracing.tracer = tracer;
    return {
      memoryHits: () => this.#tokens.memoryHits,
      end: () => {
        if (this.#tracing.tracer === tracer) this.#tracing.tracer = undefined;
      },
    };
  }

  #explain(known: KnownEndpoint): Explanation {
    return explanationOf(known, {
      challengeMismatch: this.#backends.mismatchOf(known),
      cache: this.#shared?.explain() ?? { kind: "memory" },
      tokenEndpointOf: (issuer) => this.#requests.tokenEndpointOf(issuer),
    });
  }

  async #getAuthHeader(
    endpoint: EndpointConfig<Grants[number]>,
    options: CallOptions = {},
  ): Promise<string> {
    const known = this.#known(endpoint);
    // The proof that goes with it is another header, for one request.
    if (known instanceof EndpointTokens && known.isBound) {
      const token = await known.token(options.rejectedToken, options.signal);
      return token.headerValue(known.headerPrefix);
    }
    const [value = ""] = Object.values(await this.getAuthHeaders(endpoint, options));
    return value;
  }

  #known(config: EndpointConfig<Grants[number]>): KnownEndpoint {
    if (this.#closed) throw new ClosedError();
    return this.#endpoints.of(config);
  }

  #tokensOf(endpoint: EndpointConfig<Grants[number]>): EndpointTokens {
    return tokensOf(this.#known(endpoint));
  }
}
