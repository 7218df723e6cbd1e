import { withDeadline } from "../endpoint/deadline.ts";
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
import { skewOf } from "./freshness.ts";
import { jwtExpiry } from "./jwt-expiry.ts";
import { TokenSet } from "./token-set.ts";
import type { TokenSource } from "./token-source.ts";

/** Of a whole token request. */
export const defaultTimeoutMs = 10_000;
const defaultLifetimeMs = 300_000;
// Longer than anything lives here; keeps dates and cache TTLs within what they can hold.
const longestLifetimeMs = 100 * 365 * 86_400_000;

/** The token endpoint: asks for a token by the endpoint's grant. */
export class GrantedSource implements TokenSource {
  readonly #emit: Emit;
  readonly #fetch: Fetch | undefined;

  constructor(emit: Emit, fetch: Fetch | undefined) {
    this.#emit = emit;
    this.#fetch = fetch;
  }

  async token(endpoint: ResolvedEndpoint, not?: string): Promise<TokenSet> {
    const { label, settings } = endpoint;
    // The life is counted from before the request, so that a slow answer shortens it.
    const issuedAt = Date.now();
    const event = { endpoint: label, grantType: settings.grantType };
    try {
      const token = await this.#ask(endpoint, issuedAt, not);
      this.#emit("tokenObtained", {
        ...event,
        afterRejection: not !== undefined,
        durationMs: Date.now() - issuedAt,
        expiresAt: token.expiresAt,
        scope: token.scope,
      });
      return token;
    } catch (error) {
      if (isEndpointSecurityError(error)) {
        this.#emit("tokenRequestFailed", { ...event, durationMs: Date.now() - issuedAt, error });
      }
      throw error;
    }
  }

  /** Nothing is kept here. */
  async forget(): Promise<void> {}

  async #ask(endpoint: ResolvedEndpoint, issuedAt: number, not?: string): Promise<TokenSet> {
    const { label, settings } = endpoint;
    const timeoutMs = settings.tokenRequestTimeoutMs ?? defaultTimeoutMs;
    const answer = await withDeadline(
      timeoutMs,
      (signal) => this.#request(endpoint, signal, not),
      () =>
        new TokenEndpointUnavailableError({
          endpoint: label,
          tokenUrl: shownUrl(settings.tokenUrl),
          reason: "timeout",
          said: `did not answer within ${timeoutMs} ms`,
        }),
    );
    const { accessToken } = answer;
    const expiresAt = expiryOf(answer, issuedAt, settings.defaultLifetimeMs ?? defaultLifetimeMs);
    // What was asked for is held already: one string serves both.
    const scope = answer.scope === settings.scope ? settings.scope : answer.scope;
    const data = { accessToken, tokenType: "Bearer", issuedAt, expiresAt, scope };
    const token = new TokenSet(data, skewOf(data, settings), "token_endpoint");
    if (!token.isUsable) {
      const lifeMs = token.expiresAt - issuedAt;
      throw new TokenExpiredOnArrivalError({
        endpoint: label,
        tokenUrl: shownUrl(settings.tokenUrl),
        said:
          lifeMs > 0
            ? `issued a token with a life of ${Math.round(lifeMs / 1000)} s, which was over when it arrived`
            : "issued a token that had already expired",
      });
    }
    return token;
  }

  async #request(
    endpoint: ResolvedEndpoint,
    signal: AbortSignal,
    not?: string,
  ): Promise<TokenAnswer> {
    // With the first token request only: openid-client takes longer to load than all the rest.
    const [{ requestToken }, parameters] = await Promise.all([
      import("../oauth/token-request.ts"),
      grantParameters(endpoint),
    ]);
    const secrets = not === undefined ? [] : [not];
    return requestToken(endpoint, parameters, { fetch: this.#fetch, signal, secrets });
  }
}

function expiryOf(answer: TokenAnswer, issuedAt: number, otherwiseMs: number): number {
  const expiresAt =
    answer.expiresInSeconds === undefined
      ? (jwtExpiry(answer.accessToken) ?? issuedAt + otherwiseMs)
      : issuedAt + answer.expiresInSeconds * 1000;
  return Math.min(expiresAt, issuedAt + longestLifetimeMs);
}
