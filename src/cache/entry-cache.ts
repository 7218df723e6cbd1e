/** A cache whose operations never fail: what it can't do counts as a miss. */
export interface EntryCache {
  /** Whether it failed when it was last tried. */
  readonly isInTrouble: boolean;
  /** How much the clock that entries go by is ahead of this process's. */
  readonly clockLeadMs: number;
  get(key: string): Promise<unknown>;
  /** @param ttlMs the entry is kept no longer; less than 1 stores nothing. */
  set(key: string, value: unknown, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
  /** An entry that stands under the right name and can't be read. */
  unusable(key: string): void;
}
