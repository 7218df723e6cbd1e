/**
 * Runs `work` with a signal that aborts after `timeoutMs`, and rejects with `late()` then even if
 * `work` doesn't listen.
 */
export async function withDeadline<T>(
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => Error,
): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // This process may have been busy: an answer that is there already is read first.
      setImmediate(() =>
        setImmediate(() => {
          if (over) return;
          const error = late();
          reject(error);
          controller.abort(error);
        }),
      );
    }, timeoutMs);
  });
  try {
    return await Promise.race([work(controller.signal), deadline]);
  } finally {
    over = true;
    clearTimeout(timer);
  }
}
