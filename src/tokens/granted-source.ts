import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { shownUrl } from "../endpoint/url-rules.ts";
import {
  isEndpointSecurityError,
  TokenEndpointUnavailableError,
  TokenExpiredOnArrivalError,
} from "../errors.ts";
import type { Emit } from "../events.ts";
import { grantParameters } from "../grants/grant-parameters.ts";
import type { Fetch } from "../http/fetch-types.ts";
import type { TokenAnswer } from "../oauth/token-answer.ts";
import { CoolDown } from "./cool-down.ts";
import { skewOf, stalenessOf } from "./freshness.ts";
import { jwtExpiry } from "./jwt-expiry.ts";
import { withRetries } from "./retries.ts";
import { TokenSet } from "./token-set.ts";
import type { TokenSource, Unwanted } from "./token-source.ts";

/** Of a whole token request, retries included. */
export const defaultTimeoutMs = 10_000;
const defaultAttemptTimeoutMs = 5_000;
const defaultRetries = 2;
const defaultCoolDownMs = 1_000;
const defaultLifetimeMs = 300_000;
// Longer than anything lives here; keeps dates and cache TTLs within what they can hold.
const longestLifetimeMs = 100 * 365 * 86_400_000;

/** The token endpoint: asks for a token by the endpoint's grant. */
export class GrantedSource implements TokenSource {
  readonly #emit: Emit;
  readonly #fetch: Fetch | undefined;
  readonly #coolDown = new CoolDown();

  constructor(emit: Emit, fetch: Fetch | undefined) {
    this.#emit = emit;
    this.#fetch = fetch;
  }

  async token(endpoint: ResolvedEndpoint, not?: Unwanted): Promise<TokenSet> {
    const { identity, label, settings } = endpoint;
    const remembered = this.#coolDown.errorFor(identity);
    if (remembered !== undefined) throw remembered;
    const start = Date.now();
    const event = { endpoint: label, grantType: settings.grantType };
    try {
      const token = await this.#ask(endpoint, not);
      this.#coolDown.succeeded(identity);
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
        this.#coolDown.failed(identity, error, settings.coolDownMs ?? defaultCoolDownMs);
        this.#emit("tokenRequestFailed", { ...event, durationMs: Date.now() - start, error });
      }
      throw error;
    }
  }

  /** Nothing is kept here. */
  async forget(): Promise<void> {}

  async #ask(endpoint: ResolvedEndpoint, not?: Unwanted): Promise<TokenSet> {
    const { label, settings } = endpoint;
    const tokenUrl = shownUrl(settings.tokenUrl);
    return withRetries(
      {
        timeoutMs: settings.tokenRequestTimeoutMs ?? defaultTimeoutMs,
        attemptTimeoutMs: settings.tokenRequestAttemptTimeoutMs ?? defaultAttemptTimeoutMs,
        retries: settings.tokenRequestRetries ?? defaultRetries,
      },
      async (signal) => {
        // The life is counted from before the request, so that a slow answer shortens it.
        const issuedAt = Date.now();
        const answer = await this.#request(endpoint, signal, not);
        return tokenOf(answer, endpoint, issuedAt);
      },
      (ms) =>
        new TokenEndpointUnavailableError({
          endpoint: label,
          tokenUrl,
          reason: "timeout",
          said: `did not answer within ${Math.round(ms)} ms`,
        }),
    );
  }

  async #request(
    endpoint: ResolvedEndpoint,
    signal: AbortSignal,
    not?: Unwanted,
  ): Promise<TokenAnswer> {
    // With the first token request only: openid-client takes longer to load than all the rest.
    const [{ requestToken }, parameters] = await Promise.all([
      import("../oauth/token-request.ts"),
      grantParameters(endpoint),
    ]);
    const secrets = not === undefined ? [] : [not.accessToken];
    return requestToken(endpoint, parameters, { fetch: this.#fetch, signal, secrets });
  }
}

function tokenOf(
  answer: TokenAnswer,
  { label, settings }: ResolvedEndpoint,
  issuedAt: number,
): TokenSet {
  const { accessToken, refreshInSeconds } = answer;
  const expiresAt = expiryOf(answer, issuedAt, settings.defaultLifetimeMs ?? defaultLifetimeMs);
  // What was asked for is held already: one string serves both.
  const scope = answer.scope === settings.scope ? settings.scope : answer.scope;
  const data = { accessToken, tokenType: "Bearer", issuedAt, expiresAt, scope };
  const staleMs = stalenessOf(data, settings, {
    refreshInMs: refreshInSeconds === undefined ? undefined : refreshInSeconds * 1000,
    durationMs: Date.now() - issuedAt,
  });
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

function expiryOf(answer: TokenAnswer, issuedAt: number, otherwiseMs: number): number {
  const expiresAt =
    answer.expiresInSeconds === undefined
      ? (jwtExpiry(answer.accessToken) ?? issuedAt + otherwiseMs)
      : issuedAt + answer.expiresInSeconds * 1000;
  return Math.min(expiresAt, issuedAt + longestLifetimeMs);
}
