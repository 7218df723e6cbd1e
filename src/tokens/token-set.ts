/** What a token endpoint gave, and when. */
export interface TokenData {
  readonly accessToken: string;
  /** `Bearer`. */
  readonly tokenType: string;
  /** When the token request was sent, in milliseconds since the epoch. */
  readonly issuedAt: number;
  /** When the token expires, in milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly scope?: string | undefined;
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
  /** `Bearer`. */
  readonly tokenType: string;
  /** When the token request was sent, in milliseconds since the epoch. */
  readonly issuedAt: number;
  /** When the token expires, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Scopes that the token has, where the token endpoint told. */
  readonly scope: string | undefined;
  /** Where this process has it from. */
  readonly source: TokenOrigin;

  constructor(data: TokenData, source: TokenOrigin) {
    this.#authorization = `${data.tokenType} ${data.accessToken}`;
    this.tokenType = data.tokenType;
    this.issuedAt = data.issuedAt;
    this.expiresAt = data.expiresAt;
    this.scope = data.scope;
    this.source = source;
  }

  /** The access token itself. */
  get accessToken(): string {
    return this.#authorization.slice(this.tokenType.length + 1);
  }

  /** The value of an `Authorization` header: type and token. */
  get authorization(): string {
    return this.#authorization;
  }
}

/** A token as JSON, for a cache that seals it. */
export const tokenFormat = {
  toJson: ({ accessToken, tokenType, issuedAt, expiresAt, scope }: TokenSet): TokenData => ({
    accessToken,
    tokenType,
    issuedAt,
    expiresAt,
    scope,
  }),
  fromJson: (json: unknown): TokenSet | undefined => {
    if (typeof json !== "object" || json === null) return undefined;
    const { accessToken, tokenType, issuedAt, expiresAt, scope } = json as Partial<
      Record<keyof TokenData, unknown>
    >;
    const valid =
      typeof accessToken === "string" &&
      typeof tokenType === "string" &&
      Number.isFinite(issuedAt) &&
      Number.isFinite(expiresAt) &&
      (scope === undefined || typeof scope === "string");
    return valid
      ? new TokenSet(
          {
            accessToken,
            tokenType,
            issuedAt: Number(issuedAt),
            expiresAt: Number(expiresAt),
            scope,
          },
          "cache",
        )
      : undefined;
  },
};
