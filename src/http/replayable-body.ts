/** The kinds of body that are read from the value itself, as often as it is sent. */
const replayable = new Set(["ArrayBuffer", "Blob", "File", "FormData", "URLSearchParams"]);

/**
 * Whether a body can be sent more than once. Decided by the kind that it names itself, not by its class, which may be
 * another realm's (Jest) or another undici's.
 */
export function isReplayable(body: unknown): boolean {
  if (body === undefined || body === null || typeof body === "string") return true;
  return ArrayBuffer.isView(body) || replayable.has(kindOf(body));
}

/** What a value calls itself, such as `FormData`. */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
