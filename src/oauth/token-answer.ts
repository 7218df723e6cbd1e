import { InvalidTokenResponseError } from "../errors.ts";
import type { Redactor } from "./redaction.ts";
import type { FailureContext } from "./token-failure.ts";

/** What a token endpoint's successful answer says, read leniently where that is safe. */
export interface TokenAnswer {
  readonly accessToken: string;
  /** N_A: what was issued is no access token. */
  readonly tokenType: "Bearer" | "DPoP" | "N_A";
  /** What a token exchange brought. */
  readonly issuedTokenType: string | undefined;
  /** Undefined where the answer doesn't tell; may be zero or negative. */
  readonly expiresInSeconds: number | undefined;
  readonly scope: string | undefined;
  /** When to ask for the next token, in seconds from now, where the answer tells. */
  readonly refreshInSeconds: number | undefined;
  readonly refreshToken: string | undefined;
  /** Life of the refresh token, where the answer tells. */
  readonly refreshExpiresInSeconds: number | undefined;
}

const longestToken = 64 * 1024;

/**
 * Reads the members of a successful answer.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.1
 * @throws InvalidTokenResponseError for what can't be used as a token
 */
export function readTokenAnswer(
  body: Readonly<Record<string, unknown>>,
  { endpoint, tokenUrl, redact }: FailureContext,
  wanted: "Bearer" | "DPoP",
): TokenAnswer {
  const unusable = (said: string) => new InvalidTokenResponseError({ endpoint, tokenUrl, said });
  const { access_token: accessToken, token_type: tokenType, scope } = body;
  if (typeof accessToken !== "string" || accessToken === "") {
    throw unusable("answered without an access_token");
  }
  if (accessToken.length > longestToken) {
    throw unusable(`issued a token of ${accessToken.length} characters, more than a header takes`);
  }
  if (!/^[\x21-\x7e]+$/.test(accessToken)) {
    throw unusable("issued a token with characters that can't stand in a header");
  }
  const isNone = typeof tokenType === "string" && tokenType.toUpperCase() === "N_A";
  // Required by the RFC and yet left out by some; Bearer is all they can mean.
  const type = tokenType ?? "Bearer";
  if (!isNone && !(typeof type === "string" && type.toLowerCase() === wanted.toLowerCase())) {
    const shown = typeof type === "string" ? `"${redact.quote(type)}"` : "that is no name";
    throw unusable(`issued a token of the type ${shown}, where ${wanted} was asked for`);
  }
  return {
    accessToken,
    tokenType: isNone ? "N_A" : wanted,
    issuedTokenType: isShown(body.issued_token_type, redact) ? body.issued_token_type : undefined,
    expiresInSeconds: readSeconds(body.expires_in),
    refreshInSeconds: readSeconds(body.refresh_in),
    refreshToken: readRefreshToken(body.refresh_token),
    // No standard has it; Keycloak and its kin say the one, GitHub and others the other.
    refreshExpiresInSeconds: readSeconds(body.refresh_expires_in ?? body.refresh_token_expires_in),
    // Scopes are shown to people; what holds a secret is no list of scopes.
    scope: typeof scope === "string" && scope !== "" && !redact.shows(scope) ? scope : undefined,
  };
}

/** Whether it is a name that people may see. */
function isShown(value: unknown, redact: Redactor): value is string {
  return typeof value === "string" && /^[\x21-\x7e]{1,300}$/.test(value) && !redact.shows(value);
}

function readRefreshToken(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= longestToken
    ? value
    : undefined;
}

/** A number of seconds, also as a string; what is neither counts as not told. */
function readSeconds(value: unknown): number | undefined {
  const seconds =
    typeof value === "string" && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
  return typeof seconds === "number" && Number.isFinite(seconds) ? seconds : undefined;
}
