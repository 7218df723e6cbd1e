/**
 * Lets go of a response's body that nobody reads. Not waited for: where somebody keeps a clone of the
 * response (msw and Next.js do), cancelling never settles.
 */
export function discardBody(body: unknown): void {
  if (typeof body !== "object" || body === null) return;
  // A web stream has the one, the streams of Node.js (node-fetch) the other.
  const end: unknown = Reflect.get(body, "cancel") ?? Reflect.get(body, "destroy");
  if (typeof end !== "function") return;
  try {
    Promise.resolve(end.call(body)).catch(() => {});
  } catch {
    // Somebody else reads it.
  }
}
