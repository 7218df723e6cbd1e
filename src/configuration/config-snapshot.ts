import { isPlain } from "../checks/kinds.ts";

/** Deeper than any configuration; what goes on below is cyclic, or no configuration. */
export const deepestNesting = 8;

type Share = (keys: readonly string[]) => readonly string[];

/**
 * A configuration as it was when it was last looked at, kept for the one question every call asks:
 * is it still the same? Plain objects and lists are looked into, buffers compared by their bytes,
 * everything else (functions, keys, class instances) by identity.
 */
export class ConfigSnapshot {
  readonly #keys: readonly string[];
  readonly #values: readonly unknown[];
  /** The objects, lists and buffers inside, flat: the loop over them needs no recursion. */
  readonly #inside: readonly Inside[] | undefined;
  /** Nothing in the configuration can change any more, so that it needs no second look. */
  readonly isFrozen: boolean;

  /** @param share may return an equal list of keys, so that configurations of one shape keep one list. */
  constructor(config: object, share: Share = (keys) => keys) {
    const keys: string[] = [];
    for (const key in config) keys.push(key);
    this.#keys = share(keys);
    this.#values = keys.map((key): unknown => Reflect.get(config, key));
    const inside = this.#values.flatMap((value) => insideOf(value, share, 2));
    this.#inside = inside.length > 0 ? inside : undefined;
    this.isFrozen = isDeeplyFrozen(config);
  }

  /** Whether `config` still is what was seen. Runs on every call, so it allocates nothing. */
  matches(config: object): boolean {
    if (this.isFrozen) return true;
    if (!isAsSeen(config, this.#keys, this.#values)) return false;
    const inside = this.#inside;
    if (inside !== undefined) {
      // What holds them was found to hold the very same objects.
      for (let index = 0; index < inside.length; index++) {
        const { value, keys, values } = inside[index] as Inside;
        if (keys === undefined) {
          if (Buffer.compare(value as Uint8Array, values as Uint8Array) !== 0) return false;
        } else if (!isAsSeen(value, keys, values)) return false;
      }
    }
    return true;
  }

  /** Whether another configuration says the same, in the same order. */
  equals(config: object): boolean {
    return this.#same(this.#keys, this.#values, config);
  }

  /** What was seen, as a copy that nobody else can change. */
  restored(): object {
    const entries = this.#keys.map((key, index) => [key, this.#copy(this.#values[index], 2)]);
    return Object.freeze(Object.fromEntries(entries));
  }

  #copy(value: unknown, depth: number): unknown {
    const inside = this.#inside?.find((candidate) => candidate.value === value);
    // What is nested deeper is cyclic, or a mistake: the parser reports it.
    if (inside === undefined || depth > deepestNesting) return value;
    const { keys, values } = inside;
    if (keys === undefined) return values;
    const copies = values.map((item) => this.#copy(item, depth + 1));
    if (Array.isArray(value)) return Object.freeze(copies);
    return Object.freeze(Object.fromEntries(keys.map((key, index) => [key, copies[index]])));
  }

  #same(keys: readonly string[], values: readonly unknown[], other: object): boolean {
    let index = 0;
    for (const key in other) {
      const item = (other as Record<string, unknown>)[key];
      if (key !== keys[index]) return false;
      // An object may be the same one and say something else by now.
      const same = typeof item === "object" && item !== null;
      if (!(same ? this.#sameInside(values[index], item) : item === values[index])) return false;
      index++;
    }
    return index === values.length;
  }

  #sameInside(seen: unknown, item: unknown): boolean {
    const inside = this.#inside?.find((candidate) => candidate.value === seen);
    if (inside === undefined) return seen === item;
    if (inside.keys === undefined) {
      return item instanceof Uint8Array && Buffer.compare(inside.values, item) === 0;
    }
    return (
      isPlain(item) &&
      Array.isArray(inside.value) === Array.isArray(item) &&
      this.#same(inside.keys, inside.values, item)
    );
  }
}

/** Something inside a configuration, as it was. */
type Inside =
  | {
      readonly value: object;
      readonly keys: readonly string[];
      readonly values: readonly unknown[];
    }
  | { readonly value: Uint8Array; readonly keys: undefined; readonly values: Uint8Array };

function insideOf(value: unknown, share: Share, depth: number): Inside[] {
  if (value instanceof Uint8Array) {
    return [{ value, keys: undefined, values: Uint8Array.from(value) }];
  }
  if (!isPlain(value) || depth > deepestNesting) return [];
  const keys = Object.keys(value);
  const values: unknown[] = Object.values(value);
  const deeper = values.flatMap((item) => insideOf(item, share, depth + 1));
  return [{ value, keys: share(keys), values }, ...deeper];
}

function isAsSeen(value: object, keys: readonly string[], values: readonly unknown[]): boolean {
  let index = 0;
  for (const key in value) {
    if ((value as Record<string, unknown>)[key] !== values[index] || key !== keys[index]) {
      return false;
    }
    index++;
  }
  return index === values.length;
}

function isDeeplyFrozen(value: object): boolean {
  // What is inherited may be neither frozen nor its own.
  if (!Object.isFrozen(value) || !isPlain(value)) return false;
  for (const { value: item, get } of Object.values(Object.getOwnPropertyDescriptors(value))) {
    if (get !== undefined || item instanceof Uint8Array) return false;
    if (typeof item === "object" && item !== null && isPlain(item) && !isDeeplyFrozen(item)) {
      return false;
    }
  }
  return true;
}

/** Whether a field's value is nested deeper than a snapshot sees. */
export function isTooDeep(value: unknown, depth = 2): boolean {
  if (!isPlain(value)) return false;
  return depth > deepestNesting || Object.values(value).some((item) => isTooDeep(item, depth + 1));
}
