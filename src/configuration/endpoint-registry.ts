import { LRUCache } from "lru-cache";
import { boundedMap } from "../bounded-map.ts";
import { isPlain } from "../checks/kinds.ts";
import { ConfigSnapshot, deepestNesting } from "./config-snapshot.ts";

/** A configuration as it was, and the endpoint that it was parsed into. */
class RegistryEntry<T> extends ConfigSnapshot {
  endpoint: T | undefined;
}

// Enough for the endpoints whose configuration is written out at every call.
const mostContents = 1000;

/**
 * Finds the endpoint of a configuration: quickly for the same object, more slowly for a new object with
 * the same content, and never for an object that was changed.
 */
export class EndpointRegistry<T extends object> {
  #objects = new WeakMap<object, RegistryEntry<T>>();
  readonly #contents = new LRUCache<string, RegistryEntry<T>>({ max: mostContents });
  readonly #keyLists = boundedMap<string, readonly string[]>(mostContents);

  /** The endpoint of this object, if the object hasn't changed. */
  find(config: object): T | undefined {
    const entry = this.#objects.get(config);
    return entry?.matches(config) ? entry.endpoint : undefined;
  }

  /** The endpoint of any object with this content. */
  findContent(config: object): T | undefined {
    const entry = this.#contents.get(textOf(config));
    return entry?.equals(config) ? entry.endpoint : undefined;
  }

  /** Takes a snapshot of a configuration that isn't known. */
  see(config: object): RegistryEntry<T> {
    return new RegistryEntry(config, (keys) => this.#shared(keys));
  }

  /** Keeps the endpoint that a snapshot was parsed into. */
  learn(config: object, entry: RegistryEntry<T>, endpoint: T): void {
    // A getter may return another value every time; then the object can't be recognised.
    if (!entry.matches(config)) return;
    entry.endpoint = endpoint;
    this.#objects.set(config, entry);
    this.#contents.set(textOf(config), entry);
  }

  clear(): void {
    this.#objects = new WeakMap();
    this.#contents.clear();
  }

  /** Configurations of one shape share their list of keys: ten thousand lists take a megabyte and a half. */
  #shared(keys: readonly string[]): readonly string[] {
    const shape = JSON.stringify(keys);
    const known = this.#keyLists.get(shape) ?? keys;
    this.#keyLists.set(shape, known);
    return known;
  }
}

/**
 * All texts in a configuration, run together: cheap to make, and the same for equal content. Two
 * that differ may have the same texts, so what is found by them is compared.
 */
function textOf(value: object, depth = 1): string {
  let text = "";
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === "string") text += item;
    else if (isPlain(item) && depth < deepestNesting) {
      text += textOf(item, depth + 1);
    }
  }
  return text;
}
