import type { EndpointSecurityEvents } from "../events.ts";

/** Where tokens are kept, and how that works at the moment. Points in time are ISO 8601 texts. */
export interface CacheExplanation {
  /** `memory`: in this process alone; `shared`: also in the cache that was given. */
  readonly kind: "memory" | "shared";
  /** `unused`: nothing was looked up in it yet. Shared caches only, as everything below. */
  readonly state?: "unused" | "working" | "failing";
  /**
   * A cache that keeps failing is left alone for a while: `closed` means that it is used, `open` that it
   * isn't until `nextAttemptAt`, and `half_open` that the next call finds out whether it works again.
   */
  readonly circuit?: "closed" | "open" | "half_open";
  /** When a cache that is left alone is tried again. */
  readonly nextAttemptAt?: string;
  /** What failed first, while the cache is in trouble. */
  readonly lastError?: {
    readonly at: string;
    readonly operation: EndpointSecurityEvents["cacheFailed"]["operation"];
    readonly message: string;
  };
}
