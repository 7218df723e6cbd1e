import { createLocalJWKSet, createRemoteJWKSet, errors, type JSONWebKeySet, jwtVerify } from "jose";

export type AccessTokenCheck =
  | { jwksUrl: string; jwks?: JSONWebKeySet; issuer: string; audience: string }
  | { isActive(accessToken: string): boolean };

/** The token's claims, or undefined when the token is not valid here. */
type TokenVerifier = (accessToken: string) => Promise<Record<string, unknown> | undefined>;

export function createTokenVerifier(check: AccessTokenCheck): TokenVerifier {
  // An opaque token has no claims to show.
  if ("isActive" in check) return async (token) => (check.isActive(token) ? {} : undefined);

  const { issuer, audience, jwks, jwksUrl } = check;
  const keys = jwks === undefined ? createRemoteJWKSet(new URL(jwksUrl)) : createLocalJWKSet(jwks);
  return async (token) => {
    try {
      return (await jwtVerify(token, keys, { issuer, audience, typ: "at+jwt" })).payload;
    } catch (error) {
      if (isTokensFault(error)) return undefined;
      throw error;
    }
  };
}

/** Failing to fetch the keys says nothing about the token: that is a 500, not a 401. */
function isTokensFault(error: unknown): boolean {
  return (
    error instanceof errors.JOSEError &&
    error.code !== "ERR_JOSE_GENERIC" &&
    error.code !== "ERR_JWKS_TIMEOUT"
  );
}
