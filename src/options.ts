import type { TokenCache } from "./cache/token-cache.ts";
import { refreshAheadShare } from "./endpoint/fields.ts";
import type { GrantStrategy } from "./endpoint/grant-strategy.ts";
import { near } from "./endpoint/known-fields.ts";
import { milliseconds, optional, Problems } from "./endpoint/problems.ts";
import { kindOf } from "./endpoint/secrets.ts";
import { type Transport, transport as transportCheck } from "./endpoint/transport-fields.ts";
import { ConfigurationError } from "./errors.ts";
import type { Fetch } from "./http/fetch-types.ts";

/** Options of an `EndpointSecurity`. */
export interface EndpointSecurityOptions<Grants extends readonly GrantStrategy[] = []> {
  /**
   * Where tokens are shared: any Keyv, or a `TokenCache`. They are sealed in it with keys derived
   * from each endpoint's own credentials. Default: the memory of this process.
   */
  readonly cache?: TokenCache | undefined;
  /** How long one operation of the cache may take, in milliseconds, before it is done without. Default: 250. */
  readonly cacheTimeoutMs?: number | undefined;
  /**
   * Keys of your own to seal cached tokens with, besides the endpoint's credentials: at least 32
   * characters each. The first seals, all open, so that keys can be rotated.
   */
  readonly encryptionKeys?: readonly string[] | undefined;
  /** Grant strategies besides the library's own. */
  readonly grants?: Grants | undefined;
  /** The fetch for token requests. Default: the global one at the moment of the request. */
  readonly fetch?: Fetch | undefined;
  /**
   * After which share of its life a token is renewed in the background, while it is still sent; or
   * false, to renew it when it is needed and over. Default: 0.8.
   */
  readonly refreshAhead?: number | false | undefined;
  /**
   * How requests travel: deadlines, proxy, certificates. An endpoint's own `transport` goes before it,
   * field by field.
   */
  readonly transport?: Transport | undefined;
  /** How many tokens are held in memory; the least recently used goes first. Default: 10 000. */
  readonly maxEntries?: number | undefined;
}

interface ReadOptions {
  readonly cache: TokenCache | undefined;
  readonly cacheTimeoutMs: number;
  readonly encryptionKeys: readonly string[];
  readonly grants: readonly GrantStrategy[];
  readonly fetch: Fetch | undefined;
  readonly maxEntries: number;
  readonly refreshAhead: number | false;
  readonly transport: Transport | undefined;
}

const shortestKey = 32;
const optionNames = [
  "cache",
  "cacheTimeoutMs",
  "encryptionKeys",
  "grants",
  "fetch",
  "maxEntries",
  "refreshAhead",
  "transport",
];

/** The options with their defaults. @throws ConfigurationError */
export function readOptions(
  options: EndpointSecurityOptions<readonly GrantStrategy[]>,
): ReadOptions {
  const { cache, encryptionKeys = [], fetch, grants = [], maxEntries = 10_000 } = options;
  const { transport } = options;
  const problems = new Problems();
  if (cache !== undefined && !isCache(cache)) {
    problems.add(
      "cache",
      `is ${kindOf(cache)}`,
      "give a Keyv, or an object with get, set and delete",
    );
  }
  optional(refreshAheadShare)(options.refreshAhead, "refreshAhead", problems);
  optional(milliseconds(1))(options.cacheTimeoutMs, "cacheTimeoutMs", problems);
  transportCheck()(transport, "transport", problems);
  if (!Number.isInteger(maxEntries) || maxEntries < 1) {
    problems.add("maxEntries", "is no positive integer", "give how many tokens to hold");
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
    problems.add("grants", "is no list of strategies", "give a list, each made by defineGrant");
  }
  if (!Array.isArray(encryptionKeys)) {
    problems.add("encryptionKeys", `is ${kindOf(encryptionKeys)}`, "give a list of strings");
  }
  const keys: readonly unknown[] = Array.isArray(encryptionKeys) ? encryptionKeys : [];
  for (const [index, key] of keys.entries()) {
    if (typeof key !== "string" || key.length < shortestKey) {
      const mend = `give at least ${shortestKey} random characters`;
      problems.add(`encryptionKeys[${index}]`, "is too short", mend);
    }
  }
  if (fetch !== undefined && typeof fetch !== "function") {
    problems.add("fetch", `is ${kindOf(fetch)}`, "give a function like the global fetch");
  }
  if (problems.list.length > 0) throw new ConfigurationError({ problems: problems.list });
  const { cacheTimeoutMs = 250, refreshAhead = 0.8 } = options;
  return {
    cache,
    cacheTimeoutMs,
    encryptionKeys,
    grants,
    fetch,
    maxEntries,
    refreshAhead,
    transport,
  };
}

function isCache(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    ["get", "set", "delete"].every((name) => typeof Reflect.get(value, name) === "function")
  );
}
