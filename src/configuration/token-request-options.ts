import { type Check, count, flag, headerName, headerValue, milliseconds } from "../checks/check.ts";
import { isRecord, mustBe } from "../checks/kinds.ts";
import type { TokenRequestOptions } from "./oauth2-config.ts";
import { type Filled, group, type OptionTable } from "./option-table.ts";

/** How token requests of an endpoint are sent, with every default filled in. */
export type TokenRequestSettings = Filled<TokenRequestOptions>;

/** Headers that the token request itself sets. */
const reservedHeaders = [
  "content-type",
  "content-length",
  "host",
  "connection",
  "transfer-encoding",
];

const headers: Check = (value, path, problems) => {
  if (!isRecord(value)) {
    return problems.add(path, mustBe("an object", value), "set an object with names and values");
  }
  const names = new Set<string>();
  for (const [name, item] of Object.entries(value)) {
    const at = `${path}.${name}`;
    if (names.has(name.toLowerCase())) {
      problems.add(at, "is set twice, in another spelling", "keep one of them");
    }
    names.add(name.toLowerCase());
    headerName(name, at, problems);
    if (reservedHeaders.includes(name.toLowerCase())) {
      problems.add(at, "is a header that the token request sets itself", "leave it out");
    }
    headerValue(item, at, problems);
  }
};

export const tokenRequestOptions: OptionTable<TokenRequestOptions> = {
  timeoutMs: { check: milliseconds(1), default: 10_000, inIdentity: false },
  attemptTimeoutMs: { check: milliseconds(1), default: 5_000, inIdentity: false },
  retries: { check: count, default: 2, inIdentity: false },
  coolDownMs: { check: milliseconds(0), default: 1_000, inIdentity: false },
  waitInCoolDown: { check: flag, default: false, inIdentity: false },
  headers: { check: headers, default: {}, inIdentity: true },
};

export const tokenRequestGroup: Check = group(tokenRequestOptions);

/** For clients whose secret is in the `Authorization` header: that one is set by the token request. */
export const tokenRequestGroupOfBasic: Check = (value, path, problems) => {
  tokenRequestGroup(value, path, problems);
  const own = isRecord(value) && isRecord(value.headers) ? Object.keys(value.headers) : [];
  for (const name of own) {
    if (name.toLowerCase() === "authorization") {
      const problem = "is a header that the token request sets itself";
      problems.add(`${path}.headers.${name}`, problem, "leave it out");
    }
  }
};
