/**
 * A configuration as it was when it was last looked at, kept for the one question every call asks:
 * is it still the same? Plain objects and lists are looked into, buffers compared by their bytes,
 * everything else (functions, keys, class instances) by identity.
 */
export interface Snapshot {
  readonly list: boolean;
  readonly keys: readonly string[];
  readonly values: readonly unknown[];
  /** What the values that are objects, lists or buffers looked like inside. */
  readonly inner: readonly Inner[] | undefined;
}

interface Inner {
  readonly index: number;
  readonly seen: Snapshot | Uint8Array;
}

/** Deeper than any configuration; what goes on below is cyclic, or no configuration. */
export const deepestNesting = 8;

/** Takes a snapshot. `share` may return an equal list of keys, so that alike configurations share one. */
export function snapshotOf(
  value: object,
  share: (keys: readonly string[]) => readonly string[],
  depth = 1,
): Snapshot {
  const keys: string[] = [];
  const values: unknown[] = [];
  const inner: Inner[] = [];
  for (const key in value) {
    const item: unknown = Reflect.get(value, key);
    const index = values.push(item) - 1;
    keys.push(key);
    if (item instanceof Uint8Array) inner.push({ index, seen: Uint8Array.from(item) });
    else if (isPlain(item) && depth < deepestNesting) {
      inner.push({ index, seen: snapshotOf(item, share, depth + 1) });
    }
  }
  return {
    list: Array.isArray(value),
    keys: share(keys),
    values,
    inner: inner.length > 0 ? inner : undefined,
  };
}

/** Whether `value` still is what the snapshot saw. Runs on every call, so it allocates nothing. */
export function unchanged(seen: Snapshot, value: object): boolean {
  const { keys, values, inner } = seen;
  let index = 0;
  for (const key in value) {
    if ((value as Record<string, unknown>)[key] !== values[index] || key !== keys[index]) {
      return false;
    }
    index++;
  }
  if (index !== values.length) return false;
  return inner === undefined || innerUnchanged(inner, values);
}

function innerUnchanged(inner: readonly Inner[], values: readonly unknown[]): boolean {
  for (const { index, seen } of inner) {
    const item = values[index];
    if (seen instanceof Uint8Array) {
      if (Buffer.compare(seen, item as Uint8Array) !== 0) return false;
    } else if (!unchanged(seen, item as object)) return false;
  }
  return true;
}

/** The configuration that the snapshot saw, as a copy that nobody else can change. */
export function restored(seen: Snapshot): object {
  const values = [...seen.values];
  for (const { index, seen: within } of seen.inner ?? []) {
    values[index] = within instanceof Uint8Array ? within : restored(within);
  }
  if (seen.list) return Object.freeze(values);
  return Object.freeze(Object.fromEntries(seen.keys.map((key, index) => [key, values[index]])));
}

/** Whether nothing in `value` can change any more, so that it needs no second look. */
export function isDeeplyFrozen(value: object): boolean {
  if (!Object.isFrozen(value)) return false;
  for (const { value: item, get } of Object.values(Object.getOwnPropertyDescriptors(value))) {
    if (get !== undefined || item instanceof Uint8Array) return false;
    if (isPlain(item) && !isDeeplyFrozen(item)) return false;
  }
  return true;
}

/** Plain data to look into: a list, or an object of no class. */
export function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** Whether a field's value is nested deeper than a snapshot sees. */
export function isTooDeep(value: unknown, depth = 1): boolean {
  if (!isPlain(value)) return false;
  return depth >= deepestNesting || Object.values(value).some((item) => isTooDeep(item, depth + 1));
}
