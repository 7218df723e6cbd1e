import { LRUCache } from "lru-cache";
import { deepestNesting, isPlain, Snapshot } from "./snapshot.ts";

/** A configuration as it was seen, and what is known of it. */
class Sighting<T> extends Snapshot {
  known: T | undefined;
}

// Enough for the endpoints whose configuration is written out at every call.
const mostContents = 1000;

/**
 * Finds what is known of a configuration: cheaply for the same object, nearly so for a new object
 * with the same content, and never for one that was changed.
 */
export class Recognition<T extends object> {
  #objects = new WeakMap<object, Sighting<T>>();
  // Most services ask for the same endpoint again and again, and a look-up less is felt.
  #last: Sighting<T> | undefined;
  #lastConfig: object | undefined;
  readonly #contents = new LRUCache<string, Sighting<T>>({ max: mostContents });
  /** Objects lately found by their content. */
  readonly #lately: (object | undefined)[] = Array(8).fill(undefined);
  #latelyCount = 0;
  readonly #keyLists = new Map<string, readonly string[]>();

  /** What is known of this object, if it is still as it was. */
  find(config: object): T | undefined {
    if (config !== this.#lastConfig || this.#last === undefined) {
      const sighting = this.#objects.get(config);
      if (sighting === undefined) return undefined;
      this.#last = sighting;
      this.#lastConfig = config;
    }
    return this.#last.matches(config) ? this.#last.known : undefined;
  }

  /** What is known of any object with this content. */
  findContent(config: object): T | undefined {
    const sighting = this.#contents.get(textOf(config));
    if (sighting?.known === undefined || !sighting.equals(config)) return undefined;
    // Remembering an object costs more than finding it, so it has to come back first.
    if (this.#lately.includes(config)) {
      const again = this.see(config);
      // A getter may have changed its mind between the two looks.
      if (!sighting.equals(again.restored())) return undefined;
      this.#remember(config, again, sighting.known);
    }
    this.#lately[this.#latelyCount++ % this.#lately.length] = config;
    return sighting.known;
  }

  /** Looks at a configuration that nothing is known of. */
  see(config: object): Sighting<T> {
    return new Sighting(config, (keys) => this.#shared(keys));
  }

  /** Remembers what is known of a configuration, as it was when it was seen. */
  learn(config: object, sighting: Sighting<T>, known: T): void {
    // A getter may say something else every time; then there is nothing to recognise.
    if (!sighting.matches(config)) return;
    this.#remember(config, sighting, known);
    this.#contents.set(textOf(config), sighting);
  }

  clear(): void {
    this.#objects = new WeakMap();
    this.#last = undefined;
    this.#lastConfig = undefined;
    this.#contents.clear();
    this.#lately.fill(undefined);
  }

  #remember(config: object, sighting: Sighting<T>, known: T): void {
    sighting.known = known;
    this.#objects.set(config, sighting);
    this.#last = undefined;
  }

  /** Alike configurations have the same keys: one list serves them all. */
  #shared(keys: readonly string[]): readonly string[] {
    const name = JSON.stringify(keys);
    const known = this.#keyLists.get(name);
    if (known !== undefined) return known;
    // Configurations with made-up keys must not make this grow for ever.
    if (this.#keyLists.size < mostContents) this.#keyLists.set(name, keys);
    return keys;
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
