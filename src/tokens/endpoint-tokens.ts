import { KnownEndpoint } from "../endpoint/known-endpoint.ts";
import type { SigningKey } from "../endpoint/private-key.ts";
import type { ResolvedTransport } from "../endpoint/resolved-transport.ts";
import type { Snapshot } from "../endpoint/snapshot.ts";
import { shownUrl } from "../endpoint/url-rules.ts";
import {
  type AnyEndpointSecurityError,
  isEndpointSecurityError,
  TokenRejectedError,
  TokenRequestRefusedError,
} from "../errors.ts";
import type { DpopProofs } from "../http/dpop-proofs.ts";
import { abandonable } from "./abandonable.ts";
import { ForcedRenewals } from "./forced-renewals.ts";
import type { OneSecret, TokenDesk } from "./token-desk.ts";
import type { TokenSet } from "./token-set.ts";
import { RenewalPutOff, type Unwanted } from "./token-source.ts";

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
// Seconds on the wire, and a request's way, make the same end look a little different.
const sameEndMs = 2_000;

/** Why an endpoint last got no token. */
export interface LastFailure {
  readonly at: number;
  readonly error: AnyEndpointSecurityError;
}

/** What is remembered of an endpoint that had trouble, or whose token is getting old. */
interface Upkeep {
  readonly forced: ForcedRenewals;
  secrets: readonly OneSecret[] | undefined;
  /** The one that the token endpoint took last. */
  secretInUse: OneSecret | undefined;
  lastFailure: LastFailure | undefined;
  /** When a stale token's renewal may be tried (again): never, while one is under way. */
  renewNotBefore: number;
  pauseMs: number;
}

/** The tokens of one endpoint. */
export class EndpointTokens {
  readonly #seen: Snapshot;
  readonly #desk: TokenDesk;
  /** Whether its tokens are bound to a key (`dpop`). */
  readonly isBound: boolean;
  /** Read once: a thousand callers may ask at the same time. */
  readonly #secretCount: number;
  /** The token that was last at hand, usable or not. */
  last: TokenSet | undefined;
  /** How that one was got, where `transport` says something of it. */
  wayOfLast: ResolvedTransport | undefined;
  /** Made when it is needed: most endpoints have no trouble, and there may be many. */
  #upkeep: Upkeep | undefined;

  constructor(seen: Snapshot, desk: TokenDesk) {
    this.#seen = seen;
    this.#desk = desk;
    const { known } = this;
    this.isBound = Boolean(known.settings.dpop);
    this.#secretCount = known.secretCount;
  }

  /** What its tokens are bound to and proven by; asked for where the endpoint wants that (`dpop`). */
  async dpop(): Promise<{ readonly key: SigningKey; readonly proofs: DpopProofs }> {
    const { settings, label } = this.known;
    const { dpopKeys, dpopProofs } = this.#desk;
    return { key: await dpopKeys.of(settings.dpop || true, label), proofs: dpopProofs };
  }

  get known(): KnownEndpoint {
    return new KnownEndpoint(this.#seen, this.#desk.grants);
  }

  get lastFailure(): LastFailure | undefined {
    return this.#upkeep?.lastFailure;
  }

  /** The token at hand, while it may be sent. One that is stale is renewed behind the caller's back. */
  get usable(): TokenSet | undefined {
    const { last } = this;
    if (last === undefined) return undefined;
    const now = Date.now();
    if (last.isFreshAt(now)) return last;
    if (!last.isUsableAt(now)) return undefined;
    this.#renewAhead(last);
    return last;
  }

  /** @param rejected an access token that the backend refused, or the header that it was in. */
  async token(rejected?: string, signal?: AbortSignal): Promise<TokenSet> {
    signal?.throwIfAborted();
    const refused = rejected && tokenIn(rejected);
    const { usable } = this;
    if (usable !== undefined && usable.accessToken !== refused) return usable;
    if (refused === undefined) return abandonable(this.#obtain(), signal);
    return abandonable(this.#replaceRefused(refused), signal);
  }

  /** What tokens depend on has changed in a place where nobody looks at each call, such as a file. */
  reconsider(): void {
    this.last = undefined;
    this.wayOfLast = undefined;
  }

  /** @param named only if it still is that one: the access token, or the header that it was in. */
  async forget(named?: string): Promise<void> {
    const only = named && tokenIn(named);
    if (only === undefined || this.last?.accessToken === only) this.last?.drop();
    const [secretInUse] = this.#secrets();
    await this.#desk.source.forget(await this.#desk.resolve(this, secretInUse), only);
  }

  async #replaceRefused(refused: string): Promise<TokenSet> {
    const { label, settings } = this.known;
    const {
      maxForcedRenewals: most = 5,
      forcedRenewalWindowMs: windowMs = 60_000,
      tokenUrl,
    } = settings;
    const { forced } = this.#keepUp();
    const over = forced.begin(refused, { most, windowMs });
    if (over === undefined) {
      // The token stays at hand: were it dropped, the next call would ask for another after all.
      const tokens = forced.count === 1 ? "a token" : `${forced.count} tokens`;
      const error = new TokenRejectedError({
        endpoint: label,
        tokenUrl: shownUrl(tokenUrl),
        said: `has issued ${tokens} lately that the backend refused, and is not asked again for now`,
      });
      this.#keepUp().lastFailure = { at: Date.now(), error };
      throw error;
    }
    // Compared before it is dropped: another caller may have brought a new one meanwhile.
    if (this.last?.accessToken === refused) this.last.drop();
    try {
      const token = await this.#obtain({ accessToken: refused });
      over(true);
      return token;
    } catch (error) {
      // Where no token was issued none is counted: failures have their cool-down.
      over(error instanceof TokenRejectedError);
      throw error;
    }
  }

  #renewAhead(stale: TokenSet): void {
    const upkeep = this.#keepUp();
    if (performance.now() < upkeep.renewNotBefore) return;
    // Until it is known how it went, nobody else begins.
    upkeep.renewNotBefore = Number.POSITIVE_INFINITY;
    const { accessToken, expiresAt, freshUntil, usableUntil } = stale;
    // Each process has a moment of its own, since each has its own `freshUntil`.
    const mayWaitUntil = (freshUntil + usableUntil) / 2;
    this.#obtain({ accessToken, expiresAt, mayWaitUntil }).then(
      (token) => {
        // The same again, and no longer good than before: asking once more would only repeat that.
        if (token.accessToken === accessToken && token.expiresAt <= expiresAt + sameEndMs) {
          token.keep();
        }
        upkeep.renewNotBefore = 0;
        upkeep.pauseMs = firstPauseMs;
        const isNeeded = upkeep.forced.count > 0 || upkeep.secrets !== undefined;
        if (!isNeeded) this.#upkeep = undefined;
      },
      (error: unknown) => {
        // Told as an event. The token at hand is good, so callers notice nothing.
        const pauseMs = upkeep.pauseMs * (0.5 + Math.random());
        const mostMs = error instanceof RenewalPutOff ? mayWaitUntil - Date.now() : pauseMs;
        upkeep.renewNotBefore = performance.now() + Math.min(pauseMs, mostMs);
        upkeep.pauseMs = Math.min(upkeep.pauseMs * 2, longestPauseMs);
      },
    );
  }

  #keepUp(): Upkeep {
    this.#upkeep ??= {
      forced: new ForcedRenewals(),
      secrets: undefined,
      secretInUse: undefined,
      lastFailure: undefined,
      renewNotBefore: 0,
      pauseMs: firstPauseMs,
    };
    return this.#upkeep;
  }

  async #obtain(not?: Unwanted): Promise<TokenSet> {
    try {
      const { token, way } = await this.#ask(not);
      this.last = token;
      this.wayOfLast = way;
      if (this.#upkeep !== undefined) this.#upkeep.lastFailure = undefined;
      return token;
    } catch (error) {
      if (!isEndpointSecurityError(error)) throw error;
      // The request may have been made for an endpoint with the same credentials and another name.
      const own = error.for(this.known.label);
      this.#keepUp().lastFailure = { at: Date.now(), error: own };
      throw own;
    }
  }

  async #ask(
    not?: Unwanted,
  ): Promise<{ readonly token: TokenSet; readonly way: ResolvedTransport | undefined }> {
    const { resolve, source } = this.#desk;
    const [first, ...others] = this.#secrets();
    const refused = new Set<string>();
    let refusal: unknown;
    // The first once more: a secret that was rotated just now, its function says when asked again.
    for (const secret of [first, first, ...others]) {
      const endpoint = await resolve(this, secret);
      if (refused.has(endpoint.identity)) continue;
      try {
        const token = await source.token(endpoint, not);
        if (secret !== undefined) this.#keepUp().secretInUse = secret;
        return { token, way: endpoint.transport };
      } catch (error) {
        if (!(error instanceof TokenRequestRefusedError) || error.error !== "invalid_client") {
          throw error;
        }
        refused.add(endpoint.identity);
        refusal ??= error;
      }
    }
    throw refusal;
  }

  /** Where there are several client secrets, all of them, beginning with the one that worked last. */
  #secrets(): readonly (OneSecret | undefined)[] {
    if (this.#secretCount === 1) return [undefined];
    const upkeep = this.#keepUp();
    upkeep.secrets ??= Array.from({ length: this.#secretCount }, (_, which) => ({ which }));
    const inUse = upkeep.secretInUse?.which ?? 0;
    return [...upkeep.secrets.slice(inUse), ...upkeep.secrets.slice(0, inUse)];
  }
}

/** The access token in an `Authorization` header, or the token itself: it has no spaces. */
function tokenIn(text: string): string {
  return text.replace(/^\S+ /, "");
}
