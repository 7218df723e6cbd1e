import type { CredentialHeaders } from "./authenticator.ts";
import type { HeadersInit } from "./fetch-types.ts";

/**
 * The caller's headers with the credentials, which replace any of the caller's. A list, because building
 * a `Headers` here would cost more than everything else, and fetch builds its own.
 */
export function withCredentials(
  given: HeadersInit | undefined,
  credentials: CredentialHeaders,
): HeadersInit {
  if (given === undefined) return credentials;
  const names = new Set(Object.keys(credentials).map((name) => name.toLowerCase()));
  // Some fetches take several values under one name, and join them as the header would be.
  const entries =
    Symbol.iterator in given
      ? (given as Iterable<readonly [string, string]>)
      : Object.entries(given).map(([name, value]) => [name, String(value)] as const);
  const kept: [string, string][] = [];
  let cookie: string | undefined;
  for (const [name, value] of entries) {
    if (name.toLowerCase() === "cookie") cookie = value;
    if (!names.has(name.toLowerCase())) kept.push([name, value]);
  }
  return [...kept, ...Object.entries(withCookie(cookie, credentials))];
}

/** The caller's cookies, and those that belong to the credentials. */
export function withCookie(
  callers: string | undefined,
  credentials: CredentialHeaders,
): CredentialHeaders {
  const { Cookie: own } = credentials;
  if (own === undefined || callers === undefined) return credentials;
  return { ...credentials, Cookie: `${callers}; ${own}` };
}

/** The caller's headers without those of that name. */
export function withoutHeaders(given: HeadersInit | undefined, names: RegExp): [string, string][] {
  return [...new Headers(given)].filter(([name]) => !names.test(name));
}
