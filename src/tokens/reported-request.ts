import { shownUrl } from "../checks/url-checks.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import {
  type AnyEndpointSecurityError,
  isEndpointSecurityError,
  TokenEndpointUnavailableError,
} from "../errors.ts";
import type { Emit } from "../events.ts";
import type { Tracing } from "../tracing.ts";
import { attemptOf } from "./attempt.ts";
import { missingScopes, scopesIn } from "./scopes.ts";
import type { TokenSet } from "./token-set.ts";
import type { ReplacedToken } from "./token-source.ts";
import { traced } from "./traced.ts";

/** A token request that is about to be sent. */
interface TokenRequest {
  readonly endpoint: ResolvedEndpoint;
  readonly replaced: ReplacedToken | undefined;
  /** @param attempt called before each attempt */
  send(attempt: () => void): Promise<TokenSet>;
}

/** Reports token requests and what follows from them: events, channels and traces. */
export class TokenRequestReports {
  readonly #emit: Emit;
  readonly #tracing: Tracing;
  readonly #tokenEndpointOf: (issuer: string) => string | undefined;

  /** @param tokenEndpointOf the token endpoint that an issuer names, once that is known. */
  constructor(
    emit: Emit,
    tracing: Tracing,
    tokenEndpointOf: (issuer: string) => string | undefined,
  ) {
    this.#emit = emit;
    this.#tracing = tracing;
    this.#tokenEndpointOf = tokenEndpointOf;
  }

  /** Sends a request, and reports the outcome. */
  async of({ endpoint, replaced, send }: TokenRequest): Promise<TokenSet> {
    // The network's time, and not the instance's: a clock that is set meanwhile changes nothing.
    const start = performance.now();
    let attempts = 0;
    const about = { endpoint: endpoint.label, grantType: endpoint.settings.grantType };
    const trigger = triggerOf(replaced);
    const tokenUrl = endpoint.tokenUrl === "" ? undefined : shownUrl(endpoint.tokenUrl);
    const context = { ...about, trigger, tokenUrl } as const;
    const request = () => traced(context, () => send(() => attempts++));
    const outcome = () => ({
      ...about,
      durationMs: Math.round(performance.now() - start),
      tokenUrl: this.#tokenUrlOf(endpoint),
    });
    const { tracer } = this.#tracing;
    try {
      const token = await (tracer === undefined
        ? request()
        : tracer.tokenRequest(attemptOf(endpoint), context, request));
      this.#reportScope(endpoint, token);
      const { expiresAt, scope } = token;
      this.#emit("tokenObtained", { ...outcome(), trigger, attempts, expiresAt, scope });
      return token;
    } catch (error) {
      if (isEndpointSecurityError(error)) {
        this.#emit("tokenRequestFailed", { ...outcome(), error });
      }
      throw error;
    }
  }

  /** No request is sent for a while, where the error says when the next one is. */
  coolDown({ label, settings }: ResolvedEndpoint, error: AnyEndpointSecurityError): void {
    const { nextAttemptAt } = error;
    if (nextAttemptAt === undefined) return;
    this.#emit("coolDownStarted", {
      endpoint: label,
      grantType: settings.grantType,
      reason: error instanceof TokenEndpointUnavailableError ? "unavailable" : "rejected",
      until: nextAttemptAt.getTime(),
    });
  }

  /** Scopes that were requested and not granted. */
  #reportScope({ label, settings }: ResolvedEndpoint, { scope: granted }: TokenSet): void {
    const missing = missingScopes(settings.scope, granted);
    if (missing.length === 0 || granted === undefined) return;
    this.#emit("scopeReduced", {
      endpoint: label,
      requested: scopesIn(settings.scope).join(" "),
      granted,
      missing,
    });
  }

  #tokenUrlOf({ tokenUrl, settings: { issuer } }: ResolvedEndpoint): string {
    return shownUrl((issuer && this.#tokenEndpointOf(issuer)) ?? tokenUrl);
  }
}

function triggerOf(replaced: ReplacedToken | undefined) {
  if (replaced === undefined) return "missing";
  return replaced.reason === "rejected" ? "rejected" : "ahead";
}
