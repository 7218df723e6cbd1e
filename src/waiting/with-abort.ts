import { defaultMaxListeners, getMaxListeners, setMaxListeners } from "node:events";

/** Waits for a shared result: an abort ends this wait and nothing else. */
export async function withAbort<T>(shared: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return shared;
  // One signal may serve many calls. fetch raises the limit in the same way.
  if (getMaxListeners(signal) === defaultMaxListeners) setMaxListeners(1_500, signal);
  let abandon = () => {};
  const abandoned = new Promise<never>((_, reject) => {
    abandon = () => reject(signal.reason);
    signal.addEventListener("abort", abandon, { once: true });
  });
  try {
    return await Promise.race([shared, abandoned]);
  } finally {
    signal.removeEventListener("abort", abandon);
  }
}
