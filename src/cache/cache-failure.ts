import { errorCodeOf } from "../checks/error-code.ts";
import { isEndpointSecurityError } from "../errors.ts";
import { harmless } from "./token-cache.ts";

/** The kind of a cache's error. Its message may quote the entry, or the connection's password. */
export function kindOfFailure(error: unknown): string {
  if (!(error instanceof Error)) return "an unknown error";
  // Errors of this library hold no secret.
  if (isEndpointSecurityError(error) || Reflect.get(error, harmless) === true) return error.message;
  // Redis puts its error's kind first: "READONLY You can't write…".
  const kind = /^[A-Z]{3,20}(?= )/.exec(error.message)?.[0];
  const known = errorCodeOf(error) ?? kind;
  return known === undefined ? error.name : `${error.name} ${known}`;
}
