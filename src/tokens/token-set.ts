import { ConfigurationError } from "../errors.ts";

/** What is good for the next token. */
export interface Refresh {
  readonly token: string;
  /** When it ends, in milliseconds since the epoch, where the token endpoint told. */
  readonly expiresAt?: number | undefined;
}

// For how long after a token's end its refresh token is worth keeping whose own end nobody told.
const refreshKeptMs = 86_400_000;
// Clocks of a fleet differ, and are put right by a little now and then.
const clockToleranceMs = 60_000;

/** What a token endpoint gave, and when. */
export interface TokenData {
  readonly accessToken: string;
  /** `Bearer`, or `N_A` for what a token exchange brought that is no access token. */
  readonly tokenType: string;
  readonly issuedTokenType?: string | undefined;
  /** When the token request was sent, in milliseconds since the epoch. */
  readonly issuedAt: number;
  /** When the token expires, in milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly scope?: string | undefined;
  /** When the token endpoint said to ask for the next one, in milliseconds after `issuedAt`. */
  readonly refreshInMs?: number | undefined;
  readonly refresh?: Refresh | undefined;
}

/** Where a token came from. */
export type TokenOrigin = "token_endpoint" | "cache";

/**
 * A token with what is known of it. `accessToken` can be read, but neither `console.log` nor
 * `JSON.stringify` shows it.
 */
export class TokenSet {
  // The header's value and the token are one string, kept once.
  readonly #authorization: string;
  // Spans are small integers, which cost nothing beside the one point in time.
  readonly #lifeMs: number;
  /** What few tokens have. */
  readonly #more: Pick<TokenData, "refresh" | "refreshInMs" | "issuedTokenType"> | undefined;
  /** Infinite once it is dropped. */
  #skewMs: number;
  #staleMs: number;
  /** When the token expires, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Scopes that the token has, where the token endpoint told. */
  readonly scope: string | undefined;
  /** Where this process has it from. */
  readonly source: TokenOrigin;

  /**
   * @param spans.skewMs how long before its end it is sent no more.
   * @param spans.staleMs how long before its end it is to be renewed.
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
    const { refresh, refreshInMs, issuedTokenType } = data;
    this.#more =
      refresh || issuedTokenType || refreshInMs !== undefined
        ? { refresh, refreshInMs, issuedTokenType }
        : undefined;
    this.expiresAt = data.expiresAt;
    this.scope = data.scope;
    this.source = source;
  }

  /** The access token itself. */
  get accessToken(): string {
    return this.#authorization.slice(this.#authorization.indexOf(" ") + 1);
  }

  /** `Bearer`, or `N_A` for what a token exchange brought that is no access token. */
  get tokenType(): string {
    return this.#authorization.slice(0, this.#authorization.indexOf(" "));
  }

  /**
   * What kind of token a token exchange brought.
   * @see https://www.rfc-editor.org/rfc/rfc8693#section-2.2.1
   */
  get issuedTokenType(): string | undefined {
    return this.#more?.issuedTokenType;
  }

  /**
   * The value of an `Authorization` header: type and token.
   * @throws ConfigurationError where it is no access token
   */
  get authorization(): string {
    if (this.#authorization.startsWith("N_A ")) throw noAccessToken();
    return this.#authorization;
  }

  /** When the token request was sent, in milliseconds since the epoch. */
  get issuedAt(): number {
    return this.expiresAt - this.#lifeMs;
  }

  /** When the token endpoint said to ask for the next one, in milliseconds after `issuedAt`. */
  get refreshInMs(): number | undefined {
    return this.#more?.refreshInMs;
  }

  /**
   * The refresh token that came with it, while that is good.
   * @internal
   */
  get refresh(): Refresh | undefined {
    const refresh = this.#more?.refresh;
    return refresh && Date.now() < (refresh.expiresAt ?? Infinity) ? refresh : undefined;
  }

  /**
   * Until when it is good for something, in milliseconds since the epoch.
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

  /** Until when nobody needs to think of its successor, in milliseconds since the epoch. */
  get freshUntil(): number {
    return this.expiresAt - this.#staleMs;
  }

  /** Whether it may be sent now. */
  get isUsable(): boolean {
    return this.isUsableAt(Date.now());
  }

  /**
   * Whether it may be sent at such a time.
   * @internal
   */
  isUsableAt(now: number): boolean {
    return now < this.usableUntil && this.#isIssuedBy(now);
  }

  /**
   * Whether nobody needs to think of its successor at such a time.
   * @internal
   */
  isFreshAt(now: number): boolean {
    return now < this.freshUntil && this.#isIssuedBy(now);
  }

  /** Not so where the clock was set back: nobody could tell any more when it ends. */
  #isIssuedBy(now: number): boolean {
    return this.expiresAt - now <= this.#lifeMs + clockToleranceMs;
  }

  /**
   * Whether the backend refused it, or it was to be forgotten.
   * @internal
   */
  get isDropped(): boolean {
    return this.#skewMs === Infinity;
  }

  /** What is known of the token, without the token. */
  toJSON(): Record<string, unknown> {
    const { tokenType, issuedTokenType, issuedAt, expiresAt, scope, source } = this;
    return { tokenType, issuedTokenType, issuedAt, expiresAt, scope, source };
  }

  /**
   * No one who holds it sends it any more.
   * @internal
   */
  drop(): void {
    this.#skewMs = Infinity;
    this.#staleMs = Infinity;
  }

  /**
   * Its successor is no better: it is sent to its end without another being asked for.
   * @internal
   */
  keep(): void {
    this.#staleMs = this.#skewMs;
  }
}

function noAccessToken(): ConfigurationError {
  return new ConfigurationError({
    problems: [
      {
        path: "requestedTokenType",
        problem: "brought a token that is no access token (token_type N_A), and fits no header",
        mend: "take it from getToken, or ask for an access token",
      },
    ],
  });
}

/** Puts a string that is a concatenation inside into one piece, so that its parts can be let go. */
function flat(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
