import { InvalidTokenResponseError } from "../errors.ts";

/** What a token endpoint's successful answer says, read leniently where that is safe. */
export interface TokenAnswer {
  readonly accessToken: string;
  /** Undefined where the answer doesn't tell; may be zero or negative. */
  readonly expiresInSeconds: number | undefined;
  readonly scope: string | undefined;
}

const longestToken = 64 * 1024;

/**
 * Reads the members of a successful answer.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.1
 * @throws InvalidTokenResponseError for what can't be used as a token
 */
export function readTokenAnswer(
  body: Readonly<Record<string, unknown>>,
  about: { readonly endpoint: string; readonly tokenUrl: string },
): TokenAnswer {
  const unusable = (said: string) => new InvalidTokenResponseError({ ...about, said });
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
  // Required by the RFC and yet left out by some; Bearer is all they can mean.
  if (tokenType !== undefined && tokenType !== null && !isBearer(tokenType)) {
    throw unusable(
      `issued a token of the type ${shownType(tokenType)}, where Bearer was asked for`,
    );
  }
  return {
    accessToken,
    expiresInSeconds: readSeconds(body.expires_in),
    scope: typeof scope === "string" && scope !== "" ? scope : undefined,
  };
}

function isBearer(tokenType: unknown): boolean {
  return typeof tokenType === "string" && tokenType.toLowerCase() === "bearer";
}

function shownType(tokenType: unknown): string {
  return typeof tokenType === "string" && /^[\w.:/-]{1,40}$/.test(tokenType)
    ? `"${tokenType}"`
    : `that is no name`;
}

/** A number of seconds, also as a string; what is neither counts as not told. */
function readSeconds(value: unknown): number | undefined {
  const seconds =
    typeof value === "string" && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
  return typeof seconds === "number" && Number.isFinite(seconds) ? seconds : undefined;
}
