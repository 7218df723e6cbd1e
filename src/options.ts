import type { TokenCache } from "./cache/token-cache.ts";
import { milliseconds, optional, Problems } from "./checks/check.ts";
import { mustBe } from "./checks/kinds.ts";
import { near } from "./checks/unknown-fields.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { GrantStrategy } from "./configuration/grant-strategy.ts";
import type { RenewalOptions, TokenRequestOptions } from "./configuration/oauth2-config.ts";
import { filled } from "./configuration/option-table.ts";
import {
  type RenewalSettings,
  renewalGroup,
  renewalOptions,
} from "./configuration/renewal-options.ts";
import {
  type TokenRequestSettings,
  tokenRequestGroup,
  tokenRequestOptions,
} from "./configuration/token-request-options.ts";
import { type Transport, transport as transportCheck } from "./configuration/transport-fields.ts";
import { ConfigurationError } from "./errors.ts";
import type { Fetch } from "./http/fetch-types.ts";

/** Options of an `EndpointSecurity`. */
export interface EndpointSecurityOptions<Grants extends readonly GrantStrategy[] = []> {
  /**
   * Where tokens are shared between processes: `createRedisCache`, any Keyv, or a `TokenCache`. Tokens in it
   * are sealed with keys derived from each endpoint's own credentials.
   * @default the memory of this process only
   */
  readonly cache?: TokenCache | undefined;
  /**
   * How long one operation of the cache may take, in milliseconds; then it is bypassed.
   * @default 250
   */
  readonly cacheTimeoutMs?: number | undefined;
  /**
   * Keys of your own to seal cached tokens with, besides the endpoint's credentials: at least 32 characters
   * each. The first one seals, all of them open, so that keys can be rotated.
   * @default []
   */
  readonly encryptionKeys?: readonly string[] | undefined;
  /**
   * Grant strategies besides the library's own.
   * @default []
   */
  readonly grants?: Grants | undefined;
  /**
   * The fetch for token requests.
   * @default the global fetch at the moment of the request
   */
  readonly fetch?: Fetch | undefined;
  /**
   * What time it is, for tests: `createClock` of `endpoint-security/testing`. Tokens expire and are renewed,
   * and failures are forgotten, by this clock. Deadlines, and assertions that are signed, go by the system's.
   * @default the system's clock
   */
  readonly clock?: Clock | undefined;
  /** Defaults of `tokenRequest` for all endpoints; an endpoint's own options override them one by one. */
  readonly tokenRequest?: TokenRequestOptions | undefined;
  /** Defaults of `renewal` for all endpoints; an endpoint's own options override them one by one. */
  readonly renewal?: RenewalOptions | undefined;
  /** Defaults of `transport` for all endpoints; an endpoint's own options override them one by one. */
  readonly transport?: Transport | undefined;
  /**
   * How many tokens are held in memory; the least recently used one is dropped first.
   * @default 10_000
   */
  readonly maxEntries?: number | undefined;
}

interface ReadOptions {
  readonly clock: Clock;
  readonly cache: TokenCache | undefined;
  readonly cacheTimeoutMs: number;
  readonly encryptionKeys: readonly string[];
  readonly grants: readonly GrantStrategy[];
  readonly fetch: Fetch | undefined;
  readonly maxEntries: number;
  readonly tokenRequest: TokenRequestSettings;
  readonly renewal: RenewalSettings;
  readonly transport: Transport | undefined;
}

const shortestKey = 32;
const optionNames = [
  "cache",
  "cacheTimeoutMs",
  "clock",
  "encryptionKeys",
  "grants",
  "fetch",
  "maxEntries",
  "renewal",
  "tokenRequest",
  "transport",
];

/** The options with their defaults. @throws ConfigurationError */
export function readOptions(
  options: EndpointSecurityOptions<readonly GrantStrategy[]>,
): ReadOptions {
  const { cache, encryptionKeys = [], fetch, grants = [], maxEntries = 10_000 } = options;
  const { clock = systemClock, transport } = options;
  const problems = new Problems();
  if (cache !== undefined && !isCache(cache)) {
    problems.add(
      "cache",
      mustBe("a cache", cache),
      "set createRedisCache(…), a Keyv, or an object with get, set and delete",
    );
  }
  tokenRequestGroup(options.tokenRequest, "tokenRequest", problems);
  renewalGroup(options.renewal, "renewal", problems);
  optional(milliseconds(1))(options.cacheTimeoutMs, "cacheTimeoutMs", problems);
  transportCheck()(transport, "transport", problems);
  if (!Number.isInteger(maxEntries) || maxEntries < 1) {
    problems.add("maxEntries", "is not a positive integer", "set the number of tokens to hold");
  }
  for (const name of Object.keys(options)) {
    if (!optionNames.includes(name)) {
      problems.add(name, `is not an option${near(name, optionNames)}`, "correct or remove it");
    }
  }
  if (
    !Array.isArray(grants) ||
    !grants.every((grant) => typeof grant === "object" && grant !== null)
  ) {
    problems.add(
      "grants",
      "must be a list of grant strategies",
      "set a list, each made by defineGrant",
    );
  }
  if (!Array.isArray(encryptionKeys)) {
    problems.add(
      "encryptionKeys",
      mustBe("a list of strings", encryptionKeys),
      "set a list of strings",
    );
  }
  const keys: readonly unknown[] = Array.isArray(encryptionKeys) ? encryptionKeys : [];
  for (const [index, key] of keys.entries()) {
    if (typeof key !== "string" || key.length < shortestKey) {
      const fix = `set at least ${shortestKey} random characters`;
      problems.add(`encryptionKeys[${index}]`, "is too short", fix);
    }
  }
  if (fetch !== undefined && typeof fetch !== "function") {
    problems.add("fetch", mustBe("a function", fetch), "set a function like the global fetch");
  }
  if (!isClock(clock)) {
    problems.add(
      "clock",
      mustBe("a clock", clock),
      "set createClock() of endpoint-security/testing",
    );
  }
  if (problems.list.length > 0) throw new ConfigurationError({ problems: problems.list });
  const { cacheTimeoutMs = 250 } = options;
  return {
    cache,
    clock,
    cacheTimeoutMs,
    encryptionKeys,
    grants,
    fetch,
    maxEntries,
    tokenRequest: filled(tokenRequestOptions, options.tokenRequest),
    renewal: filled(renewalOptions, options.renewal),
    transport,
  };
}

function isCache(value: unknown): boolean {
  return hasMethods(value, ["get", "set", "delete"]);
}

function isClock(value: unknown): boolean {
  return hasMethods(value, ["now", "monotonic"]);
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    names.every((name) => typeof Reflect.get(value, name) === "function")
  );
}
