import { ConfigurationError } from "../errors.ts";
import type { Refresh, TokenData, TokenOrigin } from "./token-data.ts";

// How long a refresh token of unknown expiry is kept after its access token has expired.
const refreshKeptMs = 86_400_000;
// The clocks of a fleet differ, and are adjusted a little now and then.
const clockToleranceMs = 60_000;
// Less than the skew of any token that is worth caching.
const setBackToleranceMs = 2_000;

const noParameters = Object.freeze({});

/**
 * An access token with its type, expiry and scope. `accessToken` can be read, but neither `console.log`
 * nor `JSON.stringify` shows it.
 */
export class TokenSet {
  // The header's value, which contains the token: one string for both.
  readonly #authorization: string;
  // Spans are small integers, which need less memory than points in time.
  readonly #lifeMs: number;
  /** What only few tokens have. */
  readonly #more:
    | Pick<TokenData, "refresh" | "refreshInMs" | "issuedTokenType" | "parameters">
    | undefined;
  /** The latest time at which it was checked: an earlier time means that the clock was set back. */
  #latest = 0;
  /** `Infinity` once the token is dropped. */
  #skewMs: number;
  #staleMs: number;
  /** When the token expires, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** The token's scopes, if the token response says them. */
  readonly scope: string | undefined;
  /** Where this process got it from. */
  readonly source: TokenOrigin;

  /**
   * @param spans.skewMs how long before its expiry it is no longer sent.
   * @param spans.staleMs how long before its expiry it is renewed.
   * @internal
   */
  constructor(
    data: TokenData,
    spans: { readonly skewMs: number; readonly staleMs: number },
    source: TokenOrigin,
  ) {
    this.#authorization = flat(`${data.tokenType} ${data.accessToken}`);
    this.#lifeMs = data.expiresAt - data.issuedAt;
    this.#skewMs = Math.ceil(spans.skewMs);
    this.#staleMs = Math.ceil(Math.max(spans.staleMs, spans.skewMs));
    const { refresh, refreshInMs, issuedTokenType, parameters } = data;
    this.#more =
      refresh || issuedTokenType || parameters || refreshInMs !== undefined
        ? { refresh, refreshInMs, issuedTokenType, parameters }
        : undefined;
    this.expiresAt = data.expiresAt;
    this.scope = data.scope;
    this.source = source;
    // All callers of an endpoint get the same object.
    Object.freeze(this);
  }

  /** The access token itself. */
  get accessToken(): string {
    return this.#authorization.slice(this.#authorization.indexOf(" ") + 1);
  }

  /** `Bearer`, `DPoP`, or `N_A` for a result of a token exchange that is not an access token. */
  get tokenType(): string {
    return this.#authorization.slice(0, this.#authorization.indexOf(" "));
  }

  /**
   * The kind of token that a token exchange returned.
   * @see https://www.rfc-editor.org/rfc/rfc8693#section-2.2.1
   */
  get issuedTokenType(): string | undefined {
    return this.#more?.issuedTokenType;
  }

  /**
   * The token response's other members, such as `instance_url`. Frozen, and kept in the cache with
   * the token; `{}` where there were none, or more than 16 KiB of them.
   */
  get parameters(): Readonly<Record<string, unknown>> {
    return this.#more?.parameters ?? noParameters;
  }

  /**
   * The value of an `Authorization` header: type and token.
   * @throws ConfigurationError if it is not an access token
   */
  get authorization(): string {
    if (this.#authorization.startsWith("N_A ")) throw noAccessToken();
    return this.#authorization;
  }

  /**
   * The value of the header that carries it: `prefix` (`""` for none) and the token, by default
   * {@link authorization}.
   * @internal
   */
  headerValue(prefix: string | undefined): string {
    if (prefix === undefined) return this.authorization;
    return prefix === "" ? this.accessToken : `${prefix} ${this.accessToken}`;
  }

  /** When the token request was sent, in milliseconds since the epoch. */
  get issuedAt(): number {
    return this.expiresAt - this.#lifeMs;
  }

  /** When to request the next one, in milliseconds after `issuedAt`, if the token response says it. */
  get refreshInMs(): number | undefined {
    return this.#more?.refreshInMs;
  }

  /**
   * The refresh token that came with it.
   * @internal
   */
  get refresh(): Refresh | undefined {
    return this.#more?.refresh;
  }

  /**
   * The refresh token that came with it, until that expires.
   * @internal
   */
  refreshAt(now: number): Refresh | undefined {
    const { refresh } = this;
    return refresh && now < (refresh.expiresAt ?? Infinity) ? refresh : undefined;
  }

  /**
   * Until when it, or its refresh token, can be used, in milliseconds since the epoch.
   * @internal
   */
  get keptUntil(): number {
    const refresh = this.#more?.refresh;
    if (refresh === undefined) return this.expiresAt;
    return Math.max(this.expiresAt, refresh.expiresAt ?? this.expiresAt + refreshKeptMs);
  }

  /** Until when it may be sent, in milliseconds since the epoch. */
  get usableUntil(): number {
    return this.expiresAt - this.#skewMs;
  }

  /** Until when it needs no renewal, in milliseconds since the epoch. */
  get freshUntil(): number {
    return this.expiresAt - this.#staleMs;
  }

  /** Whether it may be sent now. */
  get isUsable(): boolean {
    return this.isUsableAt(Date.now());
  }

  /**
   * Whether it may be sent at that time.
   * @internal
   */
  isUsableAt(now: number): boolean {
    return now < this.usableUntil && this.#isIssuedBy(now);
  }

  /**
   * Whether it has neither expired nor been dropped at that time, the skew aside.
   * @internal
   */
  isUnexpiredAt(now: number): boolean {
    return !this.isDropped && now < this.expiresAt && this.#isIssuedBy(now);
  }

  /**
   * Whether it needs no renewal at that time.
   * @internal
   */
  isFreshAt(now: number): boolean {
    return now < this.freshUntil && this.#isIssuedBy(now);
  }

  /** False if the clock was set back: then the token's expiry is unknown. */
  #isIssuedBy(now: number): boolean {
    if (now > this.#latest) this.#latest = now;
    else if (now < this.#latest - setBackToleranceMs) return false;
    return this.expiresAt - now <= this.#lifeMs + clockToleranceMs;
  }

  /**
   * Whether the backend rejected it, or it was to be forgotten.
   * @internal
   */
  get isDropped(): boolean {
    return this.#skewMs === Infinity;
  }

  /** Everything about the token, without the token itself. */
  toJSON(): Record<string, unknown> {
    const { tokenType, issuedTokenType, issuedAt, expiresAt, scope, source } = this;
    return { tokenType, issuedTokenType, issuedAt, expiresAt, scope, source };
  }

  /**
   * From now on it is not sent any more, by no one who holds it.
   * @internal
   */
  drop(): void {
    this.#skewMs = Infinity;
    this.#staleMs = Infinity;
  }

  /**
   * A renewal returned the same token: it is sent until it expires, without another renewal.
   * @internal
   */
  keep(): void {
    this.#staleMs = this.#skewMs;
  }
}

function noAccessToken(): ConfigurationError {
  return ConfigurationError.of({
    path: "requestedTokenType",
    problem: "returned a token that is not an access token (token_type N_A) and fits no header",
    fix: "use getToken, or request an access token",
  });
}

/** Turns a concatenated string into one piece, so that its parts can be freed. */
function flat(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
