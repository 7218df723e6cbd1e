import { LRUCache } from "lru-cache";
import {
  deepestNesting,
  isDeeplyFrozen,
  isPlain,
  type Snapshot,
  snapshotOf,
  unchanged,
} from "./snapshot.ts";

interface Recognised<T> {
  /** Undefined for a deeply frozen configuration. */
  readonly seen: Snapshot | undefined;
  readonly known: T;
}

// Enough for the endpoints whose configuration is written out at every call.
const mostLiterals = 1000;

/**
 * Finds what is known of a configuration: cheaply for the same object, nearly so for a new object
 * with the same content, and never for one that was changed.
 */
export class Recognition<T> {
  #objects = new WeakMap<object, Recognised<T>>();
  readonly #contents = new LRUCache<string, T & {}>({ max: mostLiterals });
  readonly #keyLists = new Map<string, readonly string[]>();
  readonly #functions = new WeakMap<object, number>();
  #functionCount = 0;

  /** What is known of this object, if it is still as it was. */
  find(config: object): T | undefined {
    const recognised = this.#objects.get(config);
    if (recognised === undefined) return undefined;
    const { seen } = recognised;
    return seen === undefined || unchanged(seen, config) ? recognised.known : undefined;
  }

  /** What is known of any object with this content. */
  findContent(config: object): T | undefined {
    const known = this.#contents.get(this.#contentOf(config));
    if (known !== undefined) this.#remember(config, this.snapshot(config), known);
    return known;
  }

  snapshot(config: object): Snapshot {
    return snapshotOf(config, (keys) => this.#shared(keys));
  }

  /** Remembers what is known of a configuration that was as `seen` shows. */
  learn(config: object, seen: Snapshot, known: T & {}): void {
    this.#remember(config, seen, known);
    if (unchanged(seen, config)) this.#contents.set(this.#contentOf(config), known);
  }

  clear(): void {
    this.#objects = new WeakMap();
    this.#contents.clear();
  }

  #remember(config: object, seen: Snapshot, known: T): void {
    this.#objects.set(config, { seen: isDeeplyFrozen(config) ? undefined : seen, known });
  }

  /** Alike configurations have the same keys: one list serves them all. */
  #shared(keys: readonly string[]): readonly string[] {
    const name = keys.join("\n");
    const known = this.#keyLists.get(name);
    if (known !== undefined) return known;
    // Configurations with made-up keys must not grow this for ever.
    if (this.#keyLists.size < mostLiterals) this.#keyLists.set(name, keys);
    return keys;
  }

  /** The content as a string that is different for different content. Never leaves this class. */
  #contentOf(value: object, depth = 1): string {
    let content = Array.isArray(value) ? "[" : "{";
    for (const key in value) {
      const item = (value as Record<string, unknown>)[key];
      content += `${key.length}:${key}`;
      if (typeof item === "string") content += `"${item.length}:${item}`;
      else if (item instanceof Uint8Array) content += `=${Buffer.from(item).toString("base64")};`;
      else if (isPlain(item) && depth < deepestNesting) {
        content += this.#contentOf(item, depth + 1);
      } else if (typeof item === "function" || (typeof item === "object" && item !== null)) {
        content += `#${this.#numberOf(item)};`;
      } else content += `${typeof item}${String(item)};`;
    }
    return `${content}}`;
  }

  #numberOf(item: object): number {
    let number = this.#functions.get(item);
    if (number === undefined) {
      number = ++this.#functionCount;
      this.#functions.set(item, number);
    }
    return number;
  }
}
