import type { ChallengeMismatch } from "./challenge-mismatch.ts";
import { withoutEndpoint } from "./errors.ts";
import type { KnownEndpoint } from "./known-endpoints.ts";
import { spanOf } from "./time-text.ts";
import { EndpointTokens } from "./tokens/endpoint-tokens.ts";

/**
 * How an endpoint is:
 *
 * - `ready`: calls get their credentials at once.
 * - `idle`: calls have to request a token first: none was needed yet, it was forgotten, or it has expired.
 * - `degraded`: calls get a token, but the last attempt to renew it failed.
 * - `failing`: calls get no token, because the last token request failed.
 * - `rejected`: the backend asks for other credentials, or rejected one new token after another.
 */
export type EndpointState = "ready" | "idle" | "degraded" | "failing" | "rejected";

export function stateOf(
  known: KnownEndpoint,
  mismatch: ChallengeMismatch | undefined,
): EndpointState {
  if (mismatch !== undefined) return "rejected";
  if (!(known instanceof EndpointTokens)) return "ready";
  const { last, lastFailure, now } = known;
  if (lastFailure?.error.code === "token_rejected") return "rejected";
  // In an outage a token is sent until it expires.
  const isOutage = lastFailure?.error.code === "token_endpoint_unavailable";
  const isSent = (isOutage ? last?.isUnexpiredAt(now) : last?.isUsableAt(now)) === true;
  if (lastFailure !== undefined) return isSent ? "degraded" : "failing";
  return isSent ? "ready" : "idle";
}

export function summaryOf(
  state: EndpointState,
  known: KnownEndpoint,
  mismatch: ChallengeMismatch | undefined,
): string {
  if (mismatch !== undefined) return mismatch.message;
  if (!(known instanceof EndpointTokens)) return "the credentials are sent as they are configured";
  const { last, lastFailure, nextAttemptAt, now } = known;
  const failure = lastFailure === undefined ? "" : withoutEndpoint(lastFailure.error);
  const again =
    nextAttemptAt === undefined
      ? "the next call tries again"
      : `the next attempt is in ${spanOf(nextAttemptAt.getTime() - now)}`;
  switch (state) {
    case "ready":
      return `the token is good for another ${spanOf((last?.expiresAt ?? now) - now)}`;
    case "idle":
      return last === undefined || last.isDropped
        ? "no token yet; the next call requests one"
        : "the token has expired; the next call requests another one";
    case "degraded":
      return `the token is sent for another ${spanOf((last?.expiresAt ?? now) - now)}, but could not be renewed: ${failure}; ${again}`;
    case "failing":
      return `no token: ${failure}; ${again}`;
    case "rejected":
      return failure;
  }
}
