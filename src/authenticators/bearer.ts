import type { Authenticator, Challenged, HeaderOptions, Headers } from "../http/authenticator.ts";
import { parseChallenges } from "../http/www-authenticate.ts";
import type { EndpointTokens } from "../tokens/endpoint-tokens.ts";
import type { TokenSet } from "../tokens/token-set.ts";

/**
 * Sends an access token.
 * @see https://www.rfc-editor.org/rfc/rfc6750
 */
export class BearerAuthenticator implements Authenticator {
  readonly #tokens: EndpointTokens;

  constructor(tokens: EndpointTokens) {
    this.#tokens = tokens;
  }

  headers({ rejectedToken, signal }: HeaderOptions): Headers | Promise<Headers> {
    const usable = rejectedToken === undefined ? this.#tokens.usable : undefined;
    // The usual case takes no detour through a promise.
    return usable === undefined
      ? this.#tokens.token(rejectedToken, signal).then(headersOf)
      : headersOf(usable);
  }

  async challenged(
    { status, challenge }: Challenged,
    sent: Headers,
    { signal }: HeaderOptions,
  ): Promise<boolean> {
    const refused = sent.Authorization?.replace(/^\S+ /, "");
    if (status !== 401 || refused === undefined || lacksScope(challenge)) return false;
    try {
      await this.#tokens.token(refused, signal);
      return true;
    } catch {
      // Whoever let go wants no answer any more.
      signal?.throwIfAborted();
      // Whoever called gets the 401 as it came; why there is no other token was told as an event.
      return false;
    }
  }
}

function headersOf(token: TokenSet): Headers {
  return { Authorization: token.authorization };
}

/** A token that lacks a scope is good, and another one would lack it too. */
function lacksScope(challenge: string | null): boolean {
  return parseChallenges(challenge).some(
    ({ scheme, parameters }) =>
      scheme === "bearer" && parameters.get("error") === "insufficient_scope",
  );
}
