/** The kind of a value, in words that don't give the value away. */
export function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return `${/^[aeiou]/.test(typeof value) ? "an" : "a"} ${typeof value}`;
}

/** What is wrong with a value of another kind; the value itself is never shown. */
export function mustBe(what: string, value: unknown): string {
  return value === undefined ? "is missing" : `must be ${what}, got ${kindOf(value)}`;
}

/** Plain data to look into: a list, or an object of no class. */
export function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** Whether a value is a record of plain data, and not an instance of some class. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return isPlain(value) && !Array.isArray(value);
}
