import { type Check, count, milliseconds } from "../checks/check.ts";
import { kindOf, mustBe } from "../checks/kinds.ts";
import type { RenewalOptions } from "./oauth2-config.ts";
import { type Filled, group, type OptionTable } from "./option-table.ts";

/** When tokens of an endpoint are renewed, with every default filled in. */
export type RenewalSettings = Filled<RenewalOptions, "expirySkewMs">;

const shareOrFalse: Check = (value, path, problems) => {
  if (value !== false && !(typeof value === "number" && value > 0 && value <= 1)) {
    const shown = typeof value === "number" ? String(value) : kindOf(value);
    const problem = `must be a number in (0, 1] or false, got ${shown}`;
    problems.add(
      path,
      problem,
      "set the share of the lifetime after which a token is renewed, such as 0.8",
    );
  }
};

const errorStatuses: Check = (value, path, problems) => {
  if (!Array.isArray(value)) {
    return problems.add(path, mustBe("a list of statuses", value), "set a list such as [401, 419]");
  }
  for (const [index, status] of value.entries()) {
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      problems.add(`${path}[${index}]`, "must be an error status", "set one from 400 to 599");
    }
  }
};

export const renewalOptions: OptionTable<RenewalOptions, "expirySkewMs"> = {
  refreshAhead: { check: shareOrFalse, default: 0.8, inIdentity: true },
  // A tenth of the lifetime, at most 30 s: computed for each token.
  expirySkewMs: { check: milliseconds(0), default: undefined, inIdentity: true },
  defaultLifetimeMs: { check: milliseconds(1), default: 300_000, inIdentity: true },
  maxLifetimeMs: { check: milliseconds(1), default: 86_400_000, inIdentity: true },
  rejectionStatuses: { check: errorStatuses, default: [401], inIdentity: false },
  maxForcedRenewals: { check: count, default: 5, inIdentity: false },
  forcedRenewalWindowMs: { check: milliseconds(1), default: 60_000, inIdentity: false },
  freshTokenRetryWindowMs: { check: milliseconds(0), default: 0, inIdentity: false },
};

export const renewalGroup: Check = group(renewalOptions);
