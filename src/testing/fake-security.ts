import type { CallOptions, HeadersOptions } from "../call-options.ts";
import type { Clock } from "../clock.ts";
import type { EndpointConfig } from "../configuration/endpoint-config.ts";
import { EndpointSecurity } from "../endpoint-security.ts";
import { TokenEndpointUnavailableError } from "../errors.ts";

/** Options of {@link fakeSecurity}. */
export interface FakeSecurityOptions {
  /**
   * The access token of every OAuth 2.0 endpoint.
   * @default "fake-token"
   */
  readonly token?: string | undefined;
  /**
   * By which clock tokens expire, an hour after they were obtained.
   * @default the system's clock
   */
  readonly clock?: Clock | undefined;
}

/** A call of a method of {@link FakeSecurity}. */
export interface RecordedCall {
  readonly method: "getAuthHeader" | "getAuthHeaders" | "getToken" | "invalidate";
  /** The configuration that it was called with. */
  readonly endpoint: EndpointConfig;
}

/**
 * Stands in for an `EndpointSecurity`: no token endpoint is contacted, and calls are recorded. Made by
 * {@link fakeSecurity}.
 */
export type FakeSecurity = EndpointSecurity & {
  /** The calls so far. Calls through a wrapped client aren't among them. */
  readonly calls: readonly RecordedCall[];
  /**
   * The next call of `getAuthHeader`, `getAuthHeaders` or `getToken` rejects; called again, the one after it.
   * @param error by default a `TokenEndpointUnavailableError`.
   */
  rejectNext(error?: Error): void;
};

class FakeEndpointSecurity extends EndpointSecurity {
  readonly calls: RecordedCall[] = [];
  readonly #rejections: Error[] = [];
  #isCalling = false;

  constructor({ token = "fake-token", clock }: FakeSecurityOptions = {}) {
    super({ clock, fetch: async (url, init) => answer(String(url), token, init?.headers) });
  }

  rejectNext(error: Error = unavailable()): void {
    this.#rejections.push(error);
  }

  override async getAuthHeader(endpoint: EndpointConfig, options?: CallOptions): Promise<string> {
    return this.#recorded("getAuthHeader", endpoint, () => super.getAuthHeader(endpoint, options));
  }

  override async getAuthHeaders(endpoint: EndpointConfig, options?: HeadersOptions) {
    return this.#recorded("getAuthHeaders", endpoint, () =>
      super.getAuthHeaders(endpoint, options),
    );
  }

  override async getToken(endpoint: EndpointConfig, options?: CallOptions) {
    return this.#recorded("getToken", endpoint, () => super.getToken(endpoint, options));
  }

  override async invalidate(endpoint: EndpointConfig, accessToken?: string): Promise<void> {
    this.calls.push({ method: "invalidate", endpoint });
    return super.invalidate(endpoint, accessToken);
  }

  /** One method may call another, which the caller didn't. */
  #recorded<T>(method: RecordedCall["method"], endpoint: EndpointConfig, call: () => T): T {
    if (this.#isCalling) return call();
    this.calls.push({ method, endpoint });
    const rejection = this.#rejections.shift();
    if (rejection !== undefined) throw rejection;
    this.#isCalling = true;
    try {
      return call();
    } finally {
      this.#isCalling = false;
    }
  }
}

/**
 * Makes a stand-in for an `EndpointSecurity`, for tests of code that is given one.
 * @example
 * ```ts
 * const security = fakeSecurity({ token: "test-token" });
 * const client = new OrdersClient(security);
 * security.rejectNext();
 * await expect(client.order(42)).rejects.toThrow();
 * expect(security.calls[0]?.method).toBe("getAuthHeader");
 * ```
 */
export function fakeSecurity(options?: FakeSecurityOptions): FakeSecurity {
  return new FakeEndpointSecurity(options);
}

function answer(url: string, token: string, headers: unknown): Response {
  const metadata = /^(.*)\/\.well-known\/(?:openid-configuration|oauth-authorization-server)/.exec(
    url,
  );
  if (metadata !== null) {
    const [, issuer = ""] = metadata;
    return Response.json({ issuer, token_endpoint: `${issuer}/token` });
  }
  const isBound = Object.hasOwn(Object(headers), "dpop");
  const tokenType = isBound ? "DPoP" : "Bearer";
  return Response.json({ access_token: token, token_type: tokenType, expires_in: 3_600 });
}

function unavailable(): Error {
  return new TokenEndpointUnavailableError({
    endpoint: "fake",
    tokenUrl: "https://fake.invalid/token",
    reason: "network",
    said: "could not be reached, as rejectNext() asked",
  });
}
