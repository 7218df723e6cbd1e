/** What a service does for each call: the header first, then the request. */
export interface Header {
  getAuthHeader(): Promise<string>;
}

/** What the callers saw. */
export interface Seen {
  calls: number;
  /** Calls that didn't have their header at once. */
  waited: number;
  errors: number;
  /** When the failed calls fell due, in milliseconds since the first call. */
  readonly failedAt: number[];
}

const callsASecond = 200;

export const nothingSeen = (): Seen => ({ calls: 0, waited: 0, errors: 0, failedAt: [] });

/** Calls at an even pace. */
export async function callsOf(
  origin: string,
  header: Header,
  forMs: number,
  seen: Seen,
): Promise<void> {
  const start = performance.now();
  const underWay = new Set<Promise<void>>();
  let due = 0;
  while (performance.now() - start < forMs) {
    for (; due < ((performance.now() - start) / 1_000) * callsASecond; due++) {
      const dueAt = performance.now() - start;
      const one = call(origin, header, seen, dueAt).finally(() => underWay.delete(one));
      underWay.add(one);
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000 / callsASecond));
  }
  await Promise.all(underWay);
}

async function call(origin: string, header: Header, seen: Seen, dueAt: number): Promise<void> {
  seen.calls++;
  let isThere = false;
  const asking = header.getAuthHeader().finally(() => {
    isThere = true;
  });
  asking.catch(() => {});
  // Whoever waits for a token request doesn't have it by the next turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  if (!isThere) seen.waited++;
  try {
    const Authorization = await asking;
    await (await fetch(`${origin}/v1/orders`, { headers: { Authorization } })).arrayBuffer();
  } catch {
    seen.errors++;
    seen.failedAt.push(dueAt);
  }
}
