/** A refresh token. */
export interface Refresh {
  readonly token: string;
  /** When it expires, in milliseconds since the epoch, if the token response says it. */
  readonly expiresAt?: number | undefined;
}

/** A token as it was issued. */
export interface TokenData {
  readonly accessToken: string;
  /** `Bearer`, `DPoP`, or `N_A` for a result of a token exchange that is not an access token. */
  readonly tokenType: string;
  readonly issuedTokenType?: string | undefined;
  /** When the token request was sent, in milliseconds since the epoch. */
  readonly issuedAt: number;
  /** When the token expires, in milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly scope?: string | undefined;
  /** When to request the next one, in milliseconds after `issuedAt`, if the token response says it. */
  readonly refreshInMs?: number | undefined;
  readonly refresh?: Refresh | undefined;
  /** The other members of the token response. */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined;
}

/** Where a token came from. */
export type TokenOrigin = "token_endpoint" | "cache";
