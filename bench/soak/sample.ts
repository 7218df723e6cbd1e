/** How the process was at a moment. */
export interface Sample {
  readonly second: number;
  /** In use after a garbage collection. */
  readonly heapBytes: number;
  /** Sockets, timers and whatever else holds a process. */
  readonly handles: number;
  /** Endpoints that there were so far. */
  readonly endpoints: number;
  /** How calls ended, and how often. */
  readonly seen: Readonly<Record<string, number>>;
}
