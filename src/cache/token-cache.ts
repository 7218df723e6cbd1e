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
  /** Tells of errors that no call returns, as Keyv does. */
  on?(event: "error", listener: (error: unknown) => void): unknown;
  /** Takes back `on`. */
  off?(event: "error", listener: (error: unknown) => void): unknown;
}
