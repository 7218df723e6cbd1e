import { InvalidTokenResponseError } from "../errors.ts";
import type { Redactor } from "./redaction.ts";
import type { FailureContext } from "./token-failure.ts";

/** A successful token response, read leniently where that is safe. */
export interface TokenResponse {
  readonly accessToken: string;
  /** `N_A`: the issued token is not an access token. */
  readonly tokenType: "Bearer" | "DPoP" | "N_A";
  /** The kind of token that a token exchange returned. */
  readonly issuedTokenType: string | undefined;
  /** Positive; undefined where the response doesn't say it. */
  readonly expiresInSeconds: number | undefined;
  /** When the token expires, in milliseconds since the epoch, where the response says that instead. */
  readonly expiresAtMs: number | undefined;
  readonly scope: string | undefined;
  /** When to request the next token, in seconds from now, if the response says it. */
  readonly refreshInSeconds: number | undefined;
  readonly refreshToken: string | undefined;
  /** Lifetime of the refresh token, where the response says it. */
  readonly refreshExpiresInSeconds: number | undefined;
  /** The response's other members, frozen; undefined if there are none. */
  readonly parameters: Readonly<Record<string, unknown>> | undefined;
}

const longestToken = 64 * 1024;
const longestScope = 8 * 1024;
/** More than this, as JSON, is not kept for each token. */
const mostParameters = 16 * 1024;

/** Some servers write "BearerToken" (Apigee). */
const spellingsOfBearer = /^bearer[\s_-]?token$/i;

/** Members that have a meaning here. */
const known = new Set([
  "access_token",
  "token_type",
  "issued_token_type",
  "expires_in",
  "expires_on",
  "expires_at",
  "expires",
  "refresh_in",
  "refresh_token",
  "refresh_expires_in",
  "refresh_token_expires_in",
  "scope",
  "error",
]);

/**
 * Reads the members of a successful response.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.1
 * @throws InvalidTokenResponseError for what can't be used as a token
 */
export function readTokenResponse(
  body: Readonly<Record<string, unknown>>,
  { endpoint, tokenUrl, redact }: FailureContext,
  wanted: "Bearer" | "DPoP",
): TokenResponse {
  const unusable = (said: string) => new InvalidTokenResponseError({ endpoint, tokenUrl, said });
  const { access_token: accessToken, token_type: tokenType, scope } = body;
  if (typeof accessToken !== "string" || accessToken === "") {
    throw unusable("responded without an access_token");
  }
  if (accessToken.length > longestToken) {
    throw unusable(`issued a token of ${accessToken.length} characters, too long for a header`);
  }
  if (!/^[\x21-\x7e]+$/.test(accessToken)) {
    throw unusable("issued a token with characters that a header can't carry");
  }
  const isNone = typeof tokenType === "string" && tokenType.toUpperCase() === "N_A";
  // Required by the RFC, but some servers leave it out; they can only mean Bearer.
  const given = tokenType ?? "Bearer";
  const type = typeof given === "string" && spellingsOfBearer.test(given) ? "Bearer" : given;
  if (!isNone && !(typeof type === "string" && type.toLowerCase() === wanted.toLowerCase())) {
    const shown = typeof type === "string" ? `"${redact.quote(type)}"` : "that is not a name";
    throw unusable(`issued a token of the type ${shown} instead of ${wanted}`);
  }
  return {
    accessToken,
    tokenType: isNone ? "N_A" : wanted,
    issuedTokenType: isShown(body.issued_token_type, redact) ? body.issued_token_type : undefined,
    expiresInSeconds: positive(readSeconds(body.expires_in)),
    expiresAtMs: readTime(body.expires_on ?? body.expires_at ?? body.expires),
    refreshInSeconds: readSeconds(body.refresh_in),
    refreshToken: readRefreshToken(body.refresh_token),
    // No standard has it; Keycloak and its kin say the one, GitHub and others the other.
    refreshExpiresInSeconds: readSeconds(body.refresh_expires_in ?? body.refresh_token_expires_in),
    // Scopes are shown to people, so they must not hold a secret.
    scope: isScope(scope) && !redact.shows(scope) ? scope : undefined,
    parameters: parametersIn(body),
  };
}

/** @see https://www.rfc-editor.org/rfc/rfc6749#section-3.3 */
function isScope(value: unknown): value is string {
  return typeof value === "string" && value.length <= longestScope && /^[\x20-\x7e]+$/.test(value);
}

/** Zero and less come from servers whose tokens don't expire. */
function positive(seconds: number | undefined): number | undefined {
  return seconds !== undefined && seconds > 0 ? seconds : undefined;
}

// Seconds since the epoch stay below this until the year 5138; milliseconds have been above since 1973.
const firstMilliseconds = 1e11;

/** A point in time: seconds (or milliseconds) since the epoch, also as a string, or an ISO date. */
function readTime(value: unknown): number | undefined {
  const seconds = readSeconds(value);
  if (seconds !== undefined) {
    if (seconds <= 0) return undefined;
    return seconds < firstMilliseconds ? seconds * 1000 : seconds;
  }
  const time = typeof value === "string" && value.length < 100 ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

function parametersIn(
  body: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | undefined {
  const others = Object.entries(body).filter(([name]) => !known.has(name));
  if (others.length === 0) return undefined;
  const parameters = Object.fromEntries(others);
  return JSON.stringify(parameters).length > mostParameters ? undefined : deeplyFrozen(parameters);
}

function deeplyFrozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const inside of Object.values(value)) deeplyFrozen(inside);
  return Object.freeze(value);
}

/** Whether it is a name that may be shown. */
function isShown(value: unknown, redact: Redactor): value is string {
  return typeof value === "string" && /^[\x21-\x7e]{1,300}$/.test(value) && !redact.shows(value);
}

function readRefreshToken(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= longestToken
    ? value
    : undefined;
}

/** A number of seconds, also as a string; undefined for anything else. */
function readSeconds(value: unknown): number | undefined {
  const seconds =
    typeof value === "string" && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
  return typeof seconds === "number" && Number.isFinite(seconds) ? seconds : undefined;
}
