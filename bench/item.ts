import type { Result } from "./result.ts";

/** What the process of an item tells the one that started it. */
export type Message =
  | { readonly type: "progress"; readonly share: number }
  | { readonly type: "results"; readonly results: readonly Result[] };

/** Measures in a process of its own, where nobody else's code and objects are in the way. */
export async function item(
  measure: (progress: (share: number) => void) => Promise<readonly Result[]>,
): Promise<void> {
  const results = await measure((share) => tell({ type: "progress", share }));
  await new Promise<void>((told) => tell({ type: "results", results }, told));
  // Connections kept alive would hold it back.
  process.exit();
}

let lastTold = 0;

function tell(message: Message, told?: () => void): void {
  // Seldom, because telling is work too.
  const now = performance.now();
  if (message.type === "progress" && now - lastTold < 100) return;
  lastTold = now;
  process.send?.(message, undefined, undefined, told);
}

/** Bytes of heap in use once everything is gone that nobody holds. */
export function settledHeap(): number {
  if (globalThis.gc === undefined) throw new Error("run it with --expose-gc");
  for (let pass = 0; pass < 6; pass++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}
