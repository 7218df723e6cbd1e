import type { AnyEndpointSecurityError } from "../errors.ts";
import type { ForcedRenewals } from "./forced-renewals.ts";
import type { OneSecret } from "./token-dependencies.ts";

export const firstPauseMs = 1_000;

/** Why an endpoint last got no token. */
export interface LastFailure {
  readonly at: number;
  readonly error: AnyEndpointSecurityError;
}

/** What is remembered of an endpoint whose requests failed, or whose token nears its expiry. */
export interface RenewalState {
  /** Shared by all endpoints of one identity. */
  forced: ForcedRenewals | undefined;
  secrets: readonly OneSecret[] | undefined;
  /** The one that the token endpoint accepted last. */
  secretInUse: OneSecret | undefined;
  lastFailure: LastFailure | undefined;
  /** When the next renewal may begin: `Infinity` while one runs. */
  renewNotBefore: number;
  /** The pause after the next renewal that fails; it doubles with each. */
  pauseMs: number;
}

export function newRenewalState(): RenewalState {
  return {
    forced: undefined,
    secrets: undefined,
    secretInUse: undefined,
    lastFailure: undefined,
    renewNotBefore: 0,
    pauseMs: firstPauseMs,
  };
}
