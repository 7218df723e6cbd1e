/** Marks an error of a cache whose message holds nothing secret, so that events may repeat it. */
export const harmless: unique symbol = Symbol.for("endpoint-security.harmless");

/**
 * Where tokens are kept besides the memory of the process. Every Keyv is one.
 *
 * It may fail, be slow or lose entries: that costs token requests, and no call fails for it.
 */
export interface TokenCache {
  get(key: string): Promise<unknown>;
  /** @param ttlMs after how many milliseconds the entry may be forgotten: a positive integer. */
  set(key: string, value: unknown, ttlMs: number): Promise<unknown>;
  delete(key: string): Promise<unknown>;
  /** Lets one of many processes request a token. Without leases, each process requests its own. */
  readonly leases?: Leases | undefined;
  /**
   * Gets ready, within a deadline of its own. Called before every operation.
   * @returns undefined when it is ready
   */
  open?(): Promise<void> | undefined;
  /** Lets go of what it opened itself. It may be used again, and opens again then. */
  close?(): Promise<void>;
  /**
   * The cache's own clock, in milliseconds since the epoch: entries go by it, so that processes whose
   * clocks differ agree on when a token ends. Default: each process's own.
   */
  now?(): number;
  /** Tells of errors that no call returns, as Keyv does. */
  on?(event: "error", listener: (error: unknown) => void): unknown;
  /** Takes back `on`. */
  off?(event: "error", listener: (error: unknown) => void): unknown;
}

/** Names that one owner holds at a time, and no longer than it lives. */
export interface Leases {
  /** @returns whether it was free, and now is the owner's for the given number of milliseconds. */
  acquire(name: string, owner: string, ttlMs: number): Promise<boolean>;
  /** @returns whether it still was the owner's, and now is for the given number of milliseconds. */
  extend(name: string, owner: string, ttlMs: number): Promise<boolean>;
  /** Frees it, if it still is the owner's. */
  release(name: string, owner: string): Promise<unknown>;
}
