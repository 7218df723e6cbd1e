import type { OAuth2Settings } from "../endpoint/resolved-endpoint.ts";
import { isEndpointSecurityError } from "../errors.ts";
import type { Authenticator, Challenged, HeaderOptions, Headers } from "../http/authenticator.ts";
import { schemeOf } from "../http/other-scheme.ts";
import { parseChallenges } from "../http/www-authenticate.ts";
import { abandonable } from "../tokens/abandonable.ts";
import type { EndpointTokens } from "../tokens/endpoint-tokens.ts";
import type { TokenSet } from "../tokens/token-set.ts";

/** For replicas to learn of a token, and short beside a renewal. */
const replicaPauseMs = 250;

/**
 * Sends an access token.
 * @see https://www.rfc-editor.org/rfc/rfc6750
 */
export class BearerAuthenticator implements Authenticator {
  readonly #tokens: EndpointTokens;
  /** Read with the first answer that is an error; most authenticators see none. */
  #rules: { readonly refusals: readonly number[]; readonly retryFreshMs: number } | undefined;

  constructor(tokens: EndpointTokens) {
    this.#tokens = tokens;
  }

  get refusals(): readonly number[] {
    return this.#read().refusals;
  }

  /** Two tokens, each twice while it is new. */
  get mostReplays(): number {
    return this.#read().retryFreshMs === 0 ? 1 : 3;
  }

  headers({ rejectedToken, signal }: HeaderOptions): Headers | Promise<Headers> {
    const usable = rejectedToken === undefined ? this.#tokens.usable : undefined;
    // The usual case takes no detour through a promise.
    return usable === undefined
      ? this.#tokens.token(rejectedToken, signal).then((token) => this.#headersOf(token))
      : this.#headersOf(usable);
  }

  #headersOf(token: TokenSet): Headers {
    try {
      return { Authorization: token.authorization };
    } catch (error) {
      throw isEndpointSecurityError(error) ? error.for(this.#tokens.known.label) : error;
    }
  }

  async challenged(
    { challenge, earlier }: Challenged,
    sent: Headers,
    { signal }: HeaderOptions,
  ): Promise<boolean> {
    const refused = tokenIn(sent);
    if (refused === undefined || lacksScope(challenge, sent)) return false;
    const before = earlier.map(tokenIn);
    if (!before.includes(refused) && this.#isNew(refused)) {
      await abandonable(pause(replicaPauseMs), signal);
      return true;
    }
    // One renewal is what a request is worth: a token after that one is refused for another reason.
    if (before.some((token) => token !== refused)) return false;
    try {
      await this.#tokens.token(refused, signal);
      return true;
    } catch {
      // Whoever let go wants no answer any more.
      signal?.throwIfAborted();
      // Whoever called gets the refusal as it came; why there is no other token was told as an event.
      return false;
    }
  }

  #isNew(refused: string): boolean {
    const { last } = this.#tokens;
    if (last === undefined || last.accessToken !== refused) return false;
    return Date.now() - last.issuedAt < this.#read().retryFreshMs;
  }

  #read() {
    if (this.#rules === undefined) {
      const { retryStatuses = [401], retryFreshTokenMs = 0 } = this.#tokens.known
        .config as unknown as OAuth2Settings;
      this.#rules = { refusals: retryStatuses, retryFreshMs: retryFreshTokenMs };
    }
    return this.#rules;
  }
}

function tokenIn({ Authorization }: Headers): string | undefined {
  return Authorization?.replace(/^\S+ /, "");
}

/** A token that lacks a scope is good, and another one would lack it too. */
function lacksScope(challenge: string | null, sent: Headers): boolean {
  const used = schemeOf(sent);
  return parseChallenges(challenge).some(
    ({ scheme, parameters }) => scheme === used && parameters.get("error") === "insufficient_scope",
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
