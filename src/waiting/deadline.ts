/** Turns of the event loop: one reads what has arrived, one handles it. */
const turnsToRead = 2;

/**
 * Runs `work` with a signal that aborts after `timeoutMs`, and rejects with `late()` then even if
 * `work` doesn't listen.
 *
 * A response that has arrived by then is not late: a busy process may run the timer before it reads the
 * response.
 */
export async function withDeadline<T>(
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => Error,
): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(async () => {
      for (let turn = 0; turn < turnsToRead && !isOver; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (isOver) return;
      const error = late();
      reject(error);
      controller.abort(error);
    }, timeoutMs);
  });
  try {
    return await Promise.race([work(controller.signal), deadline]);
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
}
