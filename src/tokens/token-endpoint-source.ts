import { boundedMap } from "../bounded-map.ts";
import { shownUrl } from "../checks/url-checks.ts";
import type { Clock } from "../clock.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import {
  isEndpointSecurityError,
  TokenEndpointUnavailableError,
  TokenRequestRejectedError,
} from "../errors.ts";
import type { Emit } from "../events.ts";
import { grantParameters } from "../grants/grant-parameters.ts";
import { refreshing } from "../grants/refresh-token.ts";
import type { Dispatchers } from "../http/dispatchers.ts";
import type { DpopProofs } from "../http/dpop-proofs.ts";
import type { Fetch } from "../http/fetch-types.ts";
import type { TokenResponse } from "../oauth/token-response.ts";
import type { Tracing } from "../tracing.ts";
import { attemptOf } from "./attempt.ts";
import type { CoolDown } from "./cool-down.ts";
import { issuedToken } from "./issued-token.ts";
import { Issuers } from "./issuers.ts";
import { TokenRequestReports } from "./reported-request.ts";
import { withRetries } from "./retries.ts";
import type { TokenSet } from "./token-set.ts";
import type { ReplacedToken, TokenSource, UsableRefreshToken } from "./token-source.ts";

/** What token requests are sent by. */
interface TokenEndpointDependencies {
  readonly fetch: Fetch | undefined;
  readonly dispatchers: Dispatchers;
  readonly dpopProofs: DpopProofs;
  readonly coolDown: CoolDown;
  readonly clock: Clock;
  readonly tracing: Tracing;
}

/** The token endpoint: requests a token by the endpoint's grant. */
export class TokenEndpointSource implements TokenSource {
  readonly #reports: TokenRequestReports;
  readonly #fetch: Fetch | undefined;
  readonly #dispatchers: Dispatchers;
  readonly #dpopProofs: DpopProofs;
  readonly #issuers: Issuers;
  readonly #clock: Clock;
  readonly #coolDown: CoolDown;
  /** Refresh tokens that were sent: whether the server used them up may never be known. */
  readonly #spent = boundedMap<string, true>(1_000);

  constructor(
    emit: Emit,
    { fetch, dispatchers, dpopProofs, coolDown, clock, tracing }: TokenEndpointDependencies,
  ) {
    this.#clock = clock;
    this.#issuers = new Issuers(clock);
    this.#reports = new TokenRequestReports(emit, tracing, (issuer) =>
      this.tokenEndpointOf(issuer),
    );
    this.#coolDown = coolDown;
    this.#fetch = fetch;
    this.#dispatchers = dispatchers;
    this.#dpopProofs = dpopProofs;
  }

  async token(
    endpoint: ResolvedEndpoint,
    replaced?: ReplacedToken,
    refreshToken?: UsableRefreshToken,
  ): Promise<TokenSet> {
    const { coolDownMs } = endpoint.settings.tokenRequest;
    const attempted = attemptOf(endpoint);
    const remembered = this.#coolDown.errorFor(attempted);
    if (remembered !== undefined) throw remembered;
    try {
      const token =
        (await this.#refreshed(endpoint, replaced, refreshToken)) ??
        (await this.#requestAndReport(endpoint, replaced));
      this.#coolDown.succeeded(attempted);
      return token;
    } catch (error) {
      if (!isEndpointSecurityError(error)) throw error;
      const failure = this.#coolDown.failed(attempted, error, coolDownMs);
      this.#reports.coolDown(endpoint, failure);
      throw failure;
    }
  }

  /** Tokens aren't kept here, but failures are: the next call contacts the token endpoint again. */
  async forget(endpoint: ResolvedEndpoint): Promise<void> {
    this.#coolDown.succeeded(attemptOf(endpoint));
  }

  /** The token endpoint that an issuer names, once that is known. */
  tokenEndpointOf(issuer: string): string | undefined {
    return this.#issuers.tokenEndpointOf(issuer);
  }

  /** Uses the refresh token, where there is one and the token endpoint accepts it. */
  async #refreshed(
    endpoint: ResolvedEndpoint,
    replaced: ReplacedToken | undefined,
    usable: UsableRefreshToken | undefined,
  ): Promise<TokenSet | undefined> {
    if (usable === undefined || endpoint.strategy.refreshTokens !== true) return undefined;
    const { token: refreshToken } = usable.refresh;
    // Servers treat a second use as theft and revoke all tokens.
    if (this.#spent.has(refreshToken)) return undefined;
    // The lease may have expired while this process was paused; then another process uses the token.
    if ((await usable.isOurs?.()) === false) return usable.newer?.();
    this.#spent.set(refreshToken, true);
    try {
      const token = await this.#requestAndReport(
        refreshing(endpoint, refreshToken),
        replaced,
        usable,
      );
      // The server doesn't rotate refresh tokens: this one stays usable.
      if (token.refresh?.token === refreshToken) this.#spent.delete(refreshToken);
      return token;
    } catch (error) {
      if (wasNotUsed(error)) this.#spent.delete(refreshToken);
      if (!isEndpointSecurityError(error)) throw error;
      if (error.code === "token_endpoint_unavailable") {
        // The connection broke: the grant itself can be requested. Otherwise it would fail, too.
        if (error.reason === "network" && this.#spent.has(refreshToken)) return undefined;
        throw error;
      }
      return usable.newer?.();
    }
  }

  #requestAndReport(
    endpoint: ResolvedEndpoint,
    replaced?: ReplacedToken,
    refreshToken?: UsableRefreshToken,
  ): Promise<TokenSet> {
    return this.#reports.of({
      endpoint,
      replaced,
      send: (attempt) => this.#requestWithRetries(endpoint, attempt, replaced, refreshToken),
    });
  }

  async #requestWithRetries(
    endpoint: ResolvedEndpoint,
    attempt: () => void,
    replaced?: ReplacedToken,
    refreshToken?: UsableRefreshToken,
  ): Promise<TokenSet> {
    const { label, settings } = endpoint;
    const { timeoutMs, attemptTimeoutMs, retries } = settings.tokenRequest;
    let located = endpoint;
    return withRetries(
      {
        timeoutMs,
        attemptTimeoutMs,
        // A probe is one request; the next one follows after the next pause.
        retries: this.#coolDown.isOutage(attemptOf(endpoint)) ? 0 : retries,
      },
      async (signal) => {
        attempt();
        const fetch = await this.#fetchFor(endpoint);
        located = await this.#issuers.located(endpoint, fetch, attemptTimeoutMs);
        // The lifetime is counted from before the request, so that a slow response shortens it.
        const issuedAt = this.#clock.now();
        const answer = await this.#request(located, fetch, signal, replaced).catch((error) => {
          if (mayHaveMoved(error)) this.#issuers.doubt(endpoint);
          throw error;
        });
        return issuedToken(
          answer,
          located,
          { issuedAt, arrivedAt: this.#clock.now() },
          refreshToken,
        );
      },
      (ms) =>
        new TokenEndpointUnavailableError({
          endpoint: label,
          tokenUrl: shownUrl(located.tokenUrl),
          reason: "timeout",
          said: `did not respond within ${Math.round(ms)} ms`,
        }),
    );
  }

  async #fetchFor({ transport, label }: ResolvedEndpoint): Promise<Fetch | undefined> {
    if (transport === undefined) return this.#fetch;
    return this.#dispatchers.fetch(transport, this.#fetch).catch((error: unknown) => {
      throw isEndpointSecurityError(error) ? error.for(label) : error;
    });
  }

  async #request(
    endpoint: ResolvedEndpoint,
    fetch: Fetch | undefined,
    signal: AbortSignal,
    replaced?: ReplacedToken,
  ): Promise<TokenResponse> {
    // Loaded with the first token request: openid-client takes longer to load than everything else.
    const [{ requestToken }, parameters] = await Promise.all([
      import("../oauth/token-request.ts"),
      grantParameters(endpoint),
    ]);
    const secrets = replaced === undefined ? [] : [replaced.accessToken];
    const dpopProofs = this.#dpopProofs;
    return requestToken(endpoint, parameters, { fetch, signal, secrets, dpopProofs });
  }
}

/** Whether a request certainly had no effect: it was never sent, or rejected as one too many. */
function wasNotUsed(error: unknown): boolean {
  if (!(error instanceof TokenEndpointUnavailableError)) return false;
  const { reason, causeCode, status } = error;
  const isUnsent = causeCode === "ECONNREFUSED" || causeCode === "UND_ERR_CONNECT_TIMEOUT";
  return reason === "dns" || reason === "tls" || status === 429 || isUnsent;
}

/** Whether the token endpoint may have moved to another URL. */
function mayHaveMoved(error: unknown): boolean {
  if (error instanceof TokenEndpointUnavailableError) return error.status === undefined;
  return error instanceof TokenRequestRejectedError && [404, 405, 410].includes(error.status);
}
