/** Waits for what others wait for too: an abort ends this wait and nothing else. */
export async function abandonable<T>(shared: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return shared;
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
