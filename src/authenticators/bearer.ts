import { isEndpointSecurityError, type NotReplayedReason, TokenRejectedError } from "../errors.ts";
import type {
  Authenticator,
  Challenged,
  CredentialHeaders,
  HeaderOptions,
} from "../http/authenticator.ts";
import { credentialIn, schemeOf } from "../http/other-scheme.ts";
import { parseChallenges } from "../http/www-authenticate.ts";
import { accessTokenIn } from "../tokens/access-token-in.ts";
import type { EndpointTokens } from "../tokens/endpoint-tokens.ts";
import type { TokenSet } from "../tokens/token-set.ts";
import { pause } from "../waiting/pause.ts";
import { withAbort } from "../waiting/with-abort.ts";

/** Time for replicas to learn about a token; short compared with a renewal. */
const replicaPauseMs = 250;

/**
 * Sends an access token.
 * @see https://www.rfc-editor.org/rfc/rfc6750
 */
export class BearerAuthenticator implements Authenticator {
  readonly #tokens: EndpointTokens;

  constructor(tokens: EndpointTokens) {
    this.#tokens = tokens;
  }

  get rejectionStatuses(): readonly number[] {
    return this.#tokens.endpoint.renewal.rejectionStatuses;
  }

  /** Two tokens, each twice while it is new. */
  get mostReplays(): number {
    return this.#tokens.endpoint.renewal.freshTokenRetryWindowMs === 0 ? 1 : 3;
  }

  headers({
    rejectedToken,
    signal,
  }: HeaderOptions): CredentialHeaders | Promise<CredentialHeaders> {
    const current = rejectedToken === undefined ? this.#tokens.current() : undefined;
    // The usual case needs no promise.
    return current === undefined
      ? this.#tokens.token(rejectedToken, signal).then((token) => this.#headersOf(token))
      : this.#headersOf(current);
  }

  #headersOf(token: TokenSet): CredentialHeaders {
    try {
      const { endpoint, headerPrefix } = this.#tokens;
      return { [endpoint.headerName]: token.headerValue(headerPrefix) };
    } catch (error) {
      throw isEndpointSecurityError(error) ? error.for(this.#tokens.label) : error;
    }
  }

  async challenged(
    { challenge, earlier }: Challenged,
    sent: CredentialHeaders,
    { signal }: HeaderOptions,
  ): Promise<true | NotReplayedReason> {
    const rejected = this.#tokenIn(sent);
    if (rejected === undefined) return "not_renewable";
    if (lacksScope(challenge, sent)) return "insufficient_scope";
    const before = earlier.map((one) => this.#tokenIn(one));
    if (!before.includes(rejected) && this.#isNew(rejected)) {
      await withAbort(pause(replicaPauseMs), signal);
      return true;
    }
    // One renewal for each request: a new token that is rejected as well is rejected for another reason.
    if (before.some((token) => token !== rejected)) return "rejected_again";
    try {
      await this.#tokens.token(rejected, signal);
      return true;
    } catch (error) {
      // A caller that aborted wants no response any more.
      signal?.throwIfAborted();
      // The caller gets the rejection unchanged; an event says why there is no other token.
      const isLimited = error instanceof TokenRejectedError && error.reason === "renewal_limit";
      return isLimited ? "renewal_limit" : "token_unavailable";
    }
  }

  #tokenIn(sent: CredentialHeaders): string | undefined {
    const value = credentialIn(sent);
    if (value === undefined) return undefined;
    return accessTokenIn(value, this.#tokens.headerPrefix);
  }

  #isNew(rejected: string): boolean {
    const { last, now } = this.#tokens;
    if (last === undefined || last.accessToken !== rejected) return false;
    return now - last.issuedAt < this.#tokens.endpoint.renewal.freshTokenRetryWindowMs;
  }
}

/** A token that lacks a scope is good, and another one would lack it too. */
function lacksScope(challenge: string | null, sent: CredentialHeaders): boolean {
  const used = schemeOf(sent);
  return parseChallenges(challenge).some(
    ({ scheme, parameters }) =>
      (used === undefined || scheme === used) && parameters.get("error") === "insufficient_scope",
  );
}
