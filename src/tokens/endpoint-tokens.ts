import { shownUrl } from "../checks/url-checks.ts";
import type { Clock } from "../clock.ts";
import { labelOf, type OAuth2Endpoint } from "../configuration/parsed-endpoint.ts";
import type { SigningKey } from "../credentials/private-key.ts";
import { secretCountOf } from "../endpoint/resolve-endpoint.ts";
import type { ResolvedTransport } from "../endpoint/resolved-transport.ts";
import {
  type AnyEndpointSecurityError,
  isEndpointSecurityError,
  TokenEndpointUnavailableError,
  TokenRejectedError,
  TokenRequestRejectedError,
} from "../errors.ts";
import type { DpopProofs } from "../http/dpop-proofs.ts";
import { withAbort } from "../waiting/with-abort.ts";
import { accessTokenIn } from "./access-token-in.ts";
import type { ForcedRenewals } from "./forced-renewals.ts";
import {
  firstPauseMs,
  type LastFailure,
  newRenewalState,
  type RenewalState,
} from "./renewal-state.ts";
import type { OneSecret, TokenDependencies } from "./token-dependencies.ts";
import type { TokenSet } from "./token-set.ts";
import { RenewalPostponed, type ReplacedToken } from "./token-source.ts";

const longestPauseMs = 30_000;
// Lifetimes come in whole seconds and requests take time, so the same expiry varies a little.
const sameExpiryMs = 2_000;

/** A token, and what it was requested with. */
interface Obtained {
  readonly token: TokenSet;
  readonly transport: ResolvedTransport | undefined;
  readonly identity: string;
  /** Why it is the old token: the token endpoint is unavailable. */
  readonly failure: AnyEndpointSecurityError | undefined;
}

/** The tokens of one endpoint. */
export class EndpointTokens {
  readonly endpoint: OAuth2Endpoint;
  // Copied here, so that a warm call among thousands of endpoints reads one object less from memory.
  readonly headerPrefix: string | undefined;
  readonly #clock: Clock;
  readonly #isPerCall: boolean;
  readonly #dependencies: TokenDependencies;
  /** The token that was obtained last, whether it may still be sent or not. */
  last: TokenSet | undefined;
  /** The identity for which it was obtained. */
  #identity = "";
  /** How the requests for it traveled, where `transport` is configured. */
  transportOfLast: ResolvedTransport | undefined;
  /** The request that callers without a token wait for. */
  #next: Promise<TokenSet> | undefined;
  /** Created when it is needed: most endpoints never fail, and there may be many endpoints. */
  #renewal: RenewalState | undefined;

  constructor(endpoint: OAuth2Endpoint, dependencies: TokenDependencies) {
    this.endpoint = endpoint;
    this.headerPrefix = endpoint.headerPrefix;
    this.#clock = dependencies.clock;
    this.#isPerCall = endpoint.grant.isPerCall;
    this.#dependencies = dependencies;
  }

  get label(): string {
    return labelOf(this.endpoint);
  }

  /** What time it is for the endpoint's instance, in milliseconds since 1970. */
  get now(): number {
    return this.#clock.now();
  }

  /** Whether its tokens are bound to a key (`dpop`). */
  get isBound(): boolean {
    return this.endpoint.dpop !== false;
  }

  /** The key that its tokens are bound to, and the proofs of it. */
  async dpop(): Promise<{ readonly key: SigningKey; readonly proofs: DpopProofs }> {
    const { dpopKeys, dpopProofs } = this.#dependencies;
    const key = await dpopKeys.of(this.endpoint.dpop || true, this.label);
    return { key, proofs: dpopProofs };
  }

  get lastFailure(): LastFailure | undefined {
    return this.#renewal?.lastFailure;
  }

  /** When the token endpoint is asked again after a failure; undefined where nothing stands against it. */
  get nextAttemptAt(): Date | undefined {
    const at = this.lastFailure?.error.nextAttemptAt;
    return at !== undefined && at.getTime() > this.now ? at : undefined;
  }

  /** The current token, while it may be sent. One that nears its expiry is renewed in the background. */
  current(): TokenSet | undefined {
    const { last } = this;
    if (last === undefined || this.#isPerCall) return undefined;
    const now = this.#clock.now();
    if (!last.isFreshAt(now)) {
      if (!last.isUsableAt(now)) return undefined;
      this.#renewAhead(last);
    }
    this.#dependencies.memoryHits++;
    return last;
  }

  /** The next token: one promise for all that wait for it. */
  next(): Promise<TokenSet> {
    // In an outage one caller makes the probe, and the others get the remembered error at once.
    if (this.#isPerCall || this.#renewal?.lastFailure !== undefined) return this.#obtain();
    const { tracer } = this.#dependencies.tracing;
    if (this.#next === undefined) {
      tracer?.begins(this.endpoint);
      const next = this.#obtain().finally(() => {
        if (this.#next === next) this.#next = undefined;
      });
      this.#next = next;
    } else {
      tracer?.joins(this.endpoint);
    }
    return this.#next;
  }

  /** @param rejected an access token that the backend rejected, or the header that it was in. */
  async token(rejected?: string, signal?: AbortSignal): Promise<TokenSet> {
    signal?.throwIfAborted();
    const unwanted = rejected ? accessTokenIn(rejected, this.headerPrefix) : undefined;
    const current = this.current();
    if (current !== undefined && current.accessToken !== unwanted) return current;
    if (unwanted === undefined) return withAbort(this.next(), signal);
    return withAbort(this.#replaceRejected(unwanted), signal);
  }

  /** For a change outside the configuration, such as a new certificate in a file: the token is looked up anew. */
  reconsider(): void {
    this.last = undefined;
    this.#next = undefined;
    this.transportOfLast = undefined;
  }

  /** @param named only if it still is that one: the access token, or the header that it was in. */
  async forget(named?: string): Promise<void> {
    const only = named ? accessTokenIn(named, this.headerPrefix) : undefined;
    if (only === undefined || this.last?.accessToken === only) this.last?.drop();
    if (this.#renewal !== undefined) this.#renewal.lastFailure = undefined;
    const [secretInUse] = this.#secrets();
    const { resolve, source } = this.#dependencies;
    await source.forget(await resolve(this.endpoint, secretInUse), only);
  }

  /** How many rejected tokens may still be replaced within the window. */
  get forcedRenewalsLeft(): number {
    const { maxForcedRenewals: most, forcedRenewalWindowMs: windowMs } = this.endpoint.renewal;
    return Math.max(0, most - (this.#renewal?.forced?.countWithin(windowMs) ?? 0));
  }

  async #replaceRejected(accessToken: string): Promise<TokenSet> {
    const replaced = { reason: "rejected", accessToken } as const;
    const { maxForcedRenewals: most, forcedRenewalWindowMs: windowMs } = this.endpoint.renewal;
    // Only the current token counts: a caller with an older one gets the current one.
    if (this.last?.accessToken !== accessToken) return this.#obtain(replaced);
    const forced = this.#forcedRenewals();
    const finish = forced.begin(accessToken, { most, windowMs });
    if (finish === undefined) {
      // The token stays: were it dropped, the next call would request another one after all.
      const error = new TokenRejectedError({
        endpoint: this.label,
        tokenUrl: shownUrl(this.endpoint.tokenUrl ?? this.endpoint.issuer ?? ""),
        reason: "renewal_limit",
        said: `issued ${most === 1 ? "one token" : `${most} tokens`} within ${windowMs} ms to replace rejected ones, which is the limit (renewal.maxForcedRenewals)`,
      });
      this.#renewalState().lastFailure = { at: this.#clock.now(), error };
      throw error;
    }
    // Compared before it is dropped: another caller may have obtained a new one meanwhile.
    if (this.last?.accessToken === accessToken) this.last.drop();
    try {
      const token = await this.#obtain(replaced);
      finish(true);
      return token;
    } catch (error) {
      // Where no token was issued none is counted: failures have their cool-down.
      finish(error instanceof TokenRejectedError);
      throw error;
    }
  }

  #forcedRenewals(): ForcedRenewals {
    const renewal = this.#renewalState();
    renewal.forced ??= this.#dependencies.forcedRenewalsOf(this.#identity);
    return renewal.forced;
  }

  #renewAhead(stale: TokenSet): void {
    const renewal = this.#renewalState();
    if (this.#clock.monotonic() < renewal.renewNotBefore) return;
    // No other renewal begins while this one runs.
    renewal.renewNotBefore = Number.POSITIVE_INFINITY;
    const { accessToken, expiresAt, freshUntil, usableUntil } = stale;
    // Processes differ in this moment, since `freshUntil` is jittered.
    const mayWaitUntil = (freshUntil + usableUntil) / 2;
    this.#obtain({ reason: "expiring", accessToken, expiresAt, mayWaitUntil }).then(
      (token) => {
        // The same token with the same expiry: another request would only repeat that.
        if (token.accessToken === accessToken && token.expiresAt <= expiresAt + sameExpiryMs) {
          token.keep();
        }
        renewal.renewNotBefore = 0;
        renewal.pauseMs = firstPauseMs;
        const isNeeded = (renewal.forced?.count ?? 0) > 0 || renewal.secrets !== undefined;
        if (!isNeeded) this.#renewal = undefined;
      },
      (error: unknown) => {
        // Reported as an event. The current token is good, so callers notice nothing.
        const pauseMs = renewal.pauseMs * (0.5 + Math.random());
        const mostMs =
          error instanceof RenewalPostponed ? mayWaitUntil - this.#clock.now() : pauseMs;
        renewal.renewNotBefore = this.#clock.monotonic() + Math.min(pauseMs, mostMs);
        renewal.pauseMs = Math.min(renewal.pauseMs * 2, longestPauseMs);
      },
    );
  }

  #renewalState(): RenewalState {
    this.#renewal ??= newRenewalState();
    return this.#renewal;
  }

  async #obtain(replaced?: ReplacedToken): Promise<TokenSet> {
    try {
      const { token, transport, identity, failure } = await this.#request(replaced);
      this.last = token;
      this.#identity = identity;
      this.transportOfLast = transport;
      if (failure !== undefined) this.#failed(failure);
      else if (this.#renewal !== undefined) this.#renewal.lastFailure = undefined;
      return token;
    } catch (error) {
      throw isEndpointSecurityError(error) ? this.#failed(error) : error;
    }
  }

  /** @returns the error under this endpoint's name: another one may share its token request. */
  #failed(error: AnyEndpointSecurityError): AnyEndpointSecurityError {
    const own = error.for(this.label);
    const { nextAttemptAt } = own;
    const isRepeated = own.repeated && nextAttemptAt !== undefined;
    // The failure itself is kept, and not its repetition to later callers.
    this.#renewalState().lastFailure = {
      at: (isRepeated ? this.lastFailure?.at : undefined) ?? this.#clock.now(),
      error: isRepeated ? own.withNextAttempt(nextAttemptAt) : own,
    };
    return own;
  }

  async #request(replaced?: ReplacedToken): Promise<Obtained> {
    const { resolve, source } = this.#dependencies;
    const [first, ...others] = this.#secrets();
    const rejected = new Set<string>();
    let rejection: unknown;
    // The first one twice: when its secret was just rotated, its function returns the new one now.
    for (const secret of [first, first, ...others]) {
      const endpoint = await resolve(this.endpoint, secret);
      const { identity, transport } = endpoint;
      if (rejected.has(identity)) continue;
      try {
        const token = await source.token(endpoint, replaced);
        if (secret !== undefined) this.#renewalState().secretInUse = secret;
        return { token, transport, identity, failure: undefined };
      } catch (error) {
        const token = replaced === undefined ? this.#unexpired(identity) : undefined;
        if (error instanceof TokenEndpointUnavailableError && token !== undefined) {
          return { token, transport, identity, failure: error };
        }
        if (!(error instanceof TokenRequestRejectedError) || error.error !== "invalid_client") {
          throw error;
        }
        rejected.add(identity);
        rejection ??= error;
      }
    }
    throw rejection;
  }

  /**
   * The current token until it expires, for the last resort of an outage: the skew before its expiry is a
   * precaution, and no token at all is worse. Only for the identity that it was issued for.
   */
  #unexpired(identity: string): TokenSet | undefined {
    const { last } = this;
    return identity === this.#identity && last?.isUnexpiredAt(this.#clock.now()) ? last : undefined;
  }

  /** The client secrets where there are several, beginning with the one that worked last. */
  #secrets(): readonly (OneSecret | undefined)[] {
    const count = secretCountOf(this.endpoint);
    if (count === 1) return [undefined];
    const renewal = this.#renewalState();
    renewal.secrets ??= Array.from({ length: count }, (_, which) => ({ which }));
    const inUse = renewal.secretInUse?.which ?? 0;
    return [...renewal.secrets.slice(inUse), ...renewal.secrets.slice(0, inUse)];
  }
}
