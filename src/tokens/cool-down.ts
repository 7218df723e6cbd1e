import { boundedMap } from "../endpoint/bounded-map.ts";
import { type AnyEndpointSecurityError, TokenEndpointUnavailableError } from "../errors.ts";

const longestMs = 30_000;
// Guessing credentials is what an authorization server locks accounts for.
const firstForCredentialsMs = 10_000;
const longestForCredentialsMs = 300_000;
// Whoever says "in a year" by mistake is asked again all the same, without a restart here.
const longestAskedMs = 900_000;
const aboutCredentials = new Set(["invalid_client", "invalid_grant", "unauthorized_client"]);

interface Remembered {
  readonly error: AnyEndpointSecurityError;
  readonly at: number;
  readonly until: number;
  readonly pauseMs: number;
}

/**
 * Failures of token requests, remembered for a while in which nobody asks again: `coolDownMs`
 * doubling to 30 s, ten seconds doubling to five minutes where credentials were refused, and as long
 * as the token endpoint asked for, up to 15 minutes. With `coolDownMs` 0 nothing but what it asked
 * for counts. A changed configuration or secret is another attempt, and starts anew.
 */
export class CoolDown {
  readonly #failures = boundedMap<string, Remembered>(1_000);

  /** Why it is too early to ask again, or undefined. */
  errorFor(attempted: string): AnyEndpointSecurityError | undefined {
    const remembered = this.#failures.get(attempted);
    if (remembered === undefined) return undefined;
    const now = performance.now();
    const { error, at, until } = remembered;
    if (now >= until) return undefined;
    return error instanceof TokenEndpointUnavailableError ? error.later(now - at) : error;
  }

  failed(attempted: string, error: AnyEndpointSecurityError, firstMs: number): void {
    // These are about this machine, and asking costs nobody anything.
    if (error.code === "invalid_configuration" || error.code === "secret_unavailable") return;
    const last = this.#failures.get(attempted);
    const credentials = error.code === "token_request_refused" && isAboutCredentials(error);
    const [first, longest] =
      credentials && firstMs > 0
        ? [Math.max(firstMs, firstForCredentialsMs), longestForCredentialsMs]
        : [firstMs, longestMs];
    const doubled = Math.min((last?.pauseMs ?? 0) * 2, longest);
    // Refused credentials after a mere outage still are told apart from it.
    const pauseMs = Math.max(first, doubled);
    const asked = error instanceof TokenEndpointUnavailableError ? (error.retryAfterMs ?? 0) : 0;
    const at = performance.now();
    const until = at + Math.max(pauseMs, Math.min(asked, longestAskedMs));
    this.#failures.set(attempted, { error, at, until, pauseMs });
  }

  succeeded(attempted: string): void {
    this.#failures.delete(attempted);
  }
}

function isAboutCredentials({
  error,
  status,
}: {
  readonly error: string | undefined;
  readonly status: number;
}): boolean {
  return error === undefined ? status === 401 || status === 403 : aboutCredentials.has(error);
}
