// Taken here, so that a test that stops the clock later doesn't stop this.
const { setImmediate } = globalThis;

/** Waits for turns of the event loop: what was written to a socket before is sent then. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
