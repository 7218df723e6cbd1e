import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { shownUrl } from "../endpoint/url-rules.ts";
import {
  isEndpointSecurityError,
  TokenEndpointUnavailableError,
  TokenExpiredOnArrivalError,
  TokenRequestRefusedError,
} from "../errors.ts";
import type { Emit } from "../events.ts";
import { grantParameters } from "../grants/grant-parameters.ts";
import { refreshing } from "../grants/refresh-token.ts";
import type { Dispatchers } from "../http/dispatchers.ts";
import type { DpopProofs } from "../http/dpop-proofs.ts";
import type { Fetch } from "../http/fetch-types.ts";
import type { TokenAnswer } from "../oauth/token-answer.ts";
import { CoolDown } from "./cool-down.ts";
import { skewOf, stalenessOf } from "./freshness.ts";
import { Issuers } from "./issuers.ts";
import { jwtExpiry } from "./jwt-expiry.ts";
import { withRetries } from "./retries.ts";
import { type Refresh, TokenSet } from "./token-set.ts";
import type { Held, TokenSource, Unwanted } from "./token-source.ts";

/** Of a whole token request, retries included. */
export const defaultTimeoutMs = 10_000;
const defaultAttemptTimeoutMs = 5_000;
const defaultRetries = 2;
const defaultCoolDownMs = 1_000;
const defaultLifetimeMs = 300_000;
// Longer than anything lives here; keeps dates and cache TTLs within what they can hold.
const longestLifetimeMs = 100 * 365 * 86_400_000;

/** What token requests are sent by. */
interface Means {
  readonly fetch: Fetch | undefined;
  readonly dispatchers: Dispatchers;
  readonly dpopProofs: DpopProofs;
}

/** The token endpoint: asks for a token by the endpoint's grant. */
export class GrantedSource implements TokenSource {
  readonly #emit: Emit;
  readonly #fetch: Fetch | undefined;
  readonly #dispatchers: Dispatchers;
  readonly #dpopProofs: DpopProofs;
  readonly #issuers = new Issuers();
  readonly #coolDown = new CoolDown();

  constructor(emit: Emit, { fetch, dispatchers, dpopProofs }: Means) {
    this.#emit = emit;
    this.#fetch = fetch;
    this.#dispatchers = dispatchers;
    this.#dpopProofs = dpopProofs;
  }

  async token(endpoint: ResolvedEndpoint, not?: Unwanted, held?: Held): Promise<TokenSet> {
    const { settings } = endpoint;
    const attempted = attemptOf(endpoint);
    const remembered = this.#coolDown.errorFor(attempted);
    if (remembered !== undefined) throw remembered;
    try {
      const token =
        (await this.#refreshed(endpoint, not, held)) ?? (await this.#told(endpoint, not));
      this.#coolDown.succeeded(attempted);
      return token;
    } catch (error) {
      if (isEndpointSecurityError(error)) {
        this.#coolDown.failed(attempted, error, settings.coolDownMs ?? defaultCoolDownMs);
      }
      throw error;
    }
  }

  /** Nothing is kept here. */
  async forget(): Promise<void> {}

  /** By a refresh token, where there is one and the token endpoint takes it. */
  async #refreshed(
    endpoint: ResolvedEndpoint,
    not: Unwanted | undefined,
    held: Held | undefined,
  ): Promise<TokenSet | undefined> {
    if (held === undefined || endpoint.strategy.refreshTokens !== true) return undefined;
    try {
      return await this.#told(refreshing(endpoint, held.refresh.token), not, held);
    } catch (error) {
      // Out of order is the token endpoint for every grant; anything else is about the refresh token.
      if (!isEndpointSecurityError(error) || error.code === "token_endpoint_unavailable")
        throw error;
      return held.newer?.();
    }
  }

  /** Asks, and tells of it. */
  async #told(endpoint: ResolvedEndpoint, not?: Unwanted, held?: Held): Promise<TokenSet> {
    const start = Date.now();
    const event = { endpoint: endpoint.label, grantType: endpoint.settings.grantType };
    try {
      const token = await this.#ask(endpoint, not, held);
      this.#emit("tokenObtained", {
        ...event,
        afterRejection: not !== undefined && not.expiresAt === undefined,
        durationMs: Date.now() - start,
        expiresAt: token.expiresAt,
        scope: token.scope,
      });
      return token;
    } catch (error) {
      if (isEndpointSecurityError(error)) {
        this.#emit("tokenRequestFailed", { ...event, durationMs: Date.now() - start, error });
      }
      throw error;
    }
  }

  async #ask(endpoint: ResolvedEndpoint, not?: Unwanted, held?: Held): Promise<TokenSet> {
    const { label, settings } = endpoint;
    const attemptTimeoutMs = settings.tokenRequestAttemptTimeoutMs ?? defaultAttemptTimeoutMs;
    let located = endpoint;
    return withRetries(
      {
        timeoutMs: settings.tokenRequestTimeoutMs ?? defaultTimeoutMs,
        attemptTimeoutMs,
        retries: settings.tokenRequestRetries ?? defaultRetries,
      },
      async (signal) => {
        const fetch = await this.#fetchFor(endpoint);
        located = await this.#issuers.located(endpoint, fetch, attemptTimeoutMs);
        // The life is counted from before the request, so that a slow answer shortens it.
        const issuedAt = Date.now();
        const answer = await this.#request(located, fetch, signal, not).catch((error) => {
          if (isAboutPlace(error)) this.#issuers.doubt(endpoint);
          throw error;
        });
        return tokenOf(answer, located, issuedAt, held);
      },
      (ms) =>
        new TokenEndpointUnavailableError({
          endpoint: label,
          tokenUrl: shownUrl(located.settings.tokenUrl),
          reason: "timeout",
          said: `did not answer within ${Math.round(ms)} ms`,
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
    not?: Unwanted,
  ): Promise<TokenAnswer> {
    // With the first token request only: openid-client takes longer to load than all the rest.
    const [{ requestToken }, parameters] = await Promise.all([
      import("../oauth/token-request.ts"),
      grantParameters(endpoint),
    ]);
    const secrets = not === undefined ? [] : [not.accessToken];
    const dpopProofs = this.#dpopProofs;
    return requestToken(endpoint, parameters, { fetch, signal, secrets, dpopProofs });
  }
}

/** What a failure is remembered for: the same token by another way is another attempt. */
function attemptOf({ identity, transport }: ResolvedEndpoint): string {
  return transport === undefined ? identity : `${identity} ${transport.name}`;
}

/** Whether there may be no token endpoint at that place any more. */
function isAboutPlace(error: unknown): boolean {
  if (error instanceof TokenEndpointUnavailableError) return error.status === undefined;
  return error instanceof TokenRequestRefusedError && [404, 405, 410].includes(error.status);
}

function tokenOf(
  answer: TokenAnswer,
  endpoint: ResolvedEndpoint,
  issuedAt: number,
  held: Held | undefined,
): TokenSet {
  const { label, settings } = endpoint;
  const { accessToken, tokenType, issuedTokenType, refreshInSeconds } = answer;
  const expiresAt = expiryOf(answer, issuedAt, settings.defaultLifetimeMs ?? defaultLifetimeMs);
  // What was asked for is held already: one string serves both.
  const told = answer.scope ?? held?.scope;
  const scope = told === settings.scope ? settings.scope : told;
  const refreshInMs = inMs(refreshInSeconds);
  const refresh = refreshOf(answer, endpoint, issuedAt) ?? held?.refresh;
  const data = {
    accessToken,
    tokenType,
    issuedTokenType,
    issuedAt,
    expiresAt,
    scope,
    refreshInMs,
    refresh,
  };
  const durationMs = Date.now() - issuedAt;
  const staleMs = stalenessOf(data, settings, { refreshInMs, durationMs });
  const token = new TokenSet(data, { skewMs: skewOf(data, settings), staleMs }, "token_endpoint");
  if (token.isUsable) return token;
  const lifeMs = expiresAt - issuedAt;
  throw new TokenExpiredOnArrivalError({
    endpoint: label,
    tokenUrl: shownUrl(settings.tokenUrl),
    said:
      lifeMs > 0
        ? `issued a token with a life of ${Math.round(lifeMs / 1000)} s, which was over when it arrived`
        : "issued a token that had already expired",
  });
}

function inMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}

/** The refresh token that came along, where the grant has a use for it. */
function refreshOf(
  { refreshToken: token, refreshExpiresInSeconds }: TokenAnswer,
  { strategy }: ResolvedEndpoint,
  issuedAt: number,
): Refresh | undefined {
  if (token === undefined || strategy.refreshTokens !== true) return undefined;
  // Keycloak says 0 for one that never ends.
  const lifeMs = inMs(refreshExpiresInSeconds);
  return { token, expiresAt: lifeMs === undefined || lifeMs <= 0 ? undefined : issuedAt + lifeMs };
}

function expiryOf(answer: TokenAnswer, issuedAt: number, otherwiseMs: number): number {
  const expiresAt =
    answer.expiresInSeconds === undefined
      ? (jwtExpiry(answer.accessToken) ?? issuedAt + otherwiseMs)
      : issuedAt + answer.expiresInSeconds * 1000;
  return Math.min(expiresAt, issuedAt + longestLifetimeMs);
}
