import { parseChallenges } from "../../http/www-authenticate.ts";

/** What a server adds to the response of a request that it accepted. */
export interface AuthenticationInfo {
  readonly nextNonce: string | undefined;
  /** The server's own proof that it knows the password. */
  readonly rspauth: string | undefined;
}

/** @see https://www.rfc-editor.org/rfc/rfc7616#section-3.5 */
export function authenticationInfo(header: string): AuthenticationInfo {
  // A list of parameters, written as those of a challenge are.
  const [info] = parseChallenges(`Digest ${header}`);
  return {
    nextNonce: info?.parameters.get("nextnonce"),
    rspauth: info?.parameters.get("rspauth")?.toLowerCase(),
  };
}
