/** The cache's part, for one name and one owner. Undefined means that the cache can't say. */
interface LeaseOperations {
  acquire(ttlMs: number): Promise<boolean | undefined>;
  extend(ttlMs: number): Promise<boolean | undefined>;
  release(): Promise<unknown>;
}

// As long as others wait for a holder that died. Long enough that a busy event loop doesn't lose it.
const ttlMs = 3_000;

/** A lease that is kept for as long as its holder is at work, and lapses soon after it died. */
export class Lease {
  readonly #operations: LeaseOperations;
  #keeping: NodeJS.Timeout | undefined;

  constructor(operations: LeaseOperations) {
    this.#operations = operations;
  }

  async acquire(): Promise<boolean | undefined> {
    const acquired = await this.#operations.acquire(ttlMs);
    if (acquired) {
      this.#keeping = setInterval(() => this.#extend(), ttlMs / 3);
      this.#keeping.unref();
    }
    return acquired;
  }

  /** Whether it is still this process's: a process that was stopped for long has lost it. */
  async isHeld(): Promise<boolean> {
    return (await this.#operations.extend(ttlMs)) !== false;
  }

  async release(): Promise<void> {
    clearInterval(this.#keeping);
    await this.#operations.release();
  }

  async #extend(): Promise<void> {
    const kept = await this.#operations.extend(ttlMs);
    // Lost: another may have it by now, and there is nothing left to keep.
    if (kept === false) clearInterval(this.#keeping);
  }
}
