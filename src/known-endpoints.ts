import { ApiKeyAuthenticator } from "./authenticators/api-key.ts";
import { BasicAuthenticator } from "./authenticators/basic.ts";
import { BearerAuthenticator } from "./authenticators/bearer.ts";
import { DigestAuthenticator } from "./authenticators/digest.ts";
import { DpopAuthenticator } from "./authenticators/dpop.ts";
import { StaticTokenAuthenticator } from "./authenticators/static-token.ts";
import { EndpointRegistry } from "./configuration/endpoint-registry.ts";
import { checkIsObject, type EndpointParser } from "./configuration/parse-endpoint.ts";
import { labelOf } from "./configuration/parsed-endpoint.ts";
import { ConfigurationError } from "./errors.ts";
import type { Emit } from "./events.ts";
import type { Authenticator } from "./http/authenticator.ts";
import { EndpointTokens } from "./tokens/endpoint-tokens.ts";
import type { TokenDependencies } from "./tokens/token-dependencies.ts";

/** What is kept of a configuration: little, since there may be many. */
export type KnownEndpoint =
  | EndpointTokens
  | BasicAuthenticator
  | DigestAuthenticator
  | ApiKeyAuthenticator
  | StaticTokenAuthenticator;

/** More than a health page shows, and few enough to keep beside ten thousand. */
const mostRemembered = 1_000;

interface KnownEndpointsDependencies {
  readonly emit: Emit;
  readonly parser: EndpointParser;
  readonly tokens: TokenDependencies;
}

/** The endpoints of one instance, by their configurations. */
export class KnownEndpoints {
  readonly #registry = new EndpointRegistry<KnownEndpoint>();
  /** In the order of their first use. */
  readonly #all = new Set<KnownEndpoint>();
  readonly #dependencies: KnownEndpointsDependencies;

  constructor(dependencies: KnownEndpointsDependencies) {
    this.#dependencies = dependencies;
  }

  /** The endpoint of a configuration that was parsed before and hasn't changed. */
  find(config: object): KnownEndpoint | undefined {
    return this.#registry.find(config) ?? this.#registry.findContent(config);
  }

  /** @throws ConfigurationError */
  of(config: unknown): KnownEndpoint {
    checkIsObject(config);
    const found = this.find(config);
    if (found !== undefined) return found;
    const entry = this.#registry.see(config);
    const endpoint = this.#parsed(entry.restored());
    this.#registry.learn(config, entry, endpoint);
    if (entry.endpoint !== undefined) this.#remember(endpoint);
    return endpoint;
  }

  /** The oldest first. */
  all(): readonly KnownEndpoint[] {
    return [...this.#all];
  }

  clear(): void {
    this.#registry.clear();
    this.#all.clear();
  }

  #remember(endpoint: KnownEndpoint): void {
    this.#all.add(endpoint);
    if (this.#all.size <= mostRemembered) return;
    const [oldest] = this.#all;
    if (oldest !== undefined) this.#all.delete(oldest);
  }

  #parsed(config: object): KnownEndpoint {
    const { emit, parser, tokens } = this.#dependencies;
    const endpoint = parser.parse(config);
    switch (endpoint.type) {
      case "basic":
        return new BasicAuthenticator(endpoint);
      case "digest":
        return new DigestAuthenticator(endpoint, () =>
          emit("serverProofFailed", { endpoint: labelOf(endpoint) }),
        );
      case "bearer":
        return new StaticTokenAuthenticator(endpoint);
      case "api_key":
        return new ApiKeyAuthenticator(endpoint);
      case "oauth2":
        return new EndpointTokens(endpoint, tokens);
    }
  }
}

/** How requests to an endpoint prove themselves. */
export function authenticatorOf(endpoint: KnownEndpoint): Authenticator {
  if (!(endpoint instanceof EndpointTokens)) return endpoint;
  return endpoint.isBound ? new DpopAuthenticator(endpoint) : new BearerAuthenticator(endpoint);
}

/** @throws ConfigurationError for an endpoint of a type that has no tokens */
export function tokensOf(known: KnownEndpoint): EndpointTokens {
  if (known instanceof EndpointTokens) return known;
  const problem = `is "${known.endpoint.type}", which has no tokens`;
  throw ConfigurationError.of(
    { path: "type", problem, fix: "use getAuthHeader or getAuthHeaders" },
    labelOf(known.endpoint),
  );
}
