import { isPlain } from "../checks/kinds.ts";

/**
 * Everything a token depends on, as one value: cache key, lease and single flight are made from it. Every
 * field and every credential is preceded by its length, so that no two configurations look the same.
 */
export class Identity {
  /** Functions and class instances have no content to compare: each one counts as itself, in this process only. */
  #process: string | undefined;
  readonly #opaque = new WeakMap<object, number>();
  #opaqueCount = 0;
  readonly #symbols = new Map<symbol, number>();

  async of(
    fields: Readonly<Record<string, unknown>>,
    credentials: Readonly<Record<string, string>>,
    ofTransport: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    // Loaded with the first token: it would slow down the start of a service.
    const { createHash } = await import("node:crypto");
    // Separated from the fields, whose names may be anything.
    const text = `${this.#entries({ ...fields, ...credentials })}|${this.#entries(ofTransport)}`;
    // 192 bits are as good as unique, and every token holds one.
    return createHash("sha256").update(text).digest().subarray(0, 24).toString("latin1");
  }

  #entries(entries: Readonly<Record<string, unknown>>): string {
    const names = Object.keys(entries).filter((name) => entries[name] !== undefined);
    return names
      .sort()
      .map((name) => framed(name) + this.#content(entries[name]))
      .join("");
  }

  #content(value: unknown): string {
    if (typeof value === "string") return `s${framed(value)}`;
    if (Array.isArray(value)) {
      return `l${value.length}:${value.map((item) => this.#content(item)).join("")}`;
    }
    if (value instanceof Uint8Array) return `b${framed(Buffer.from(value).toString("base64"))}`;
    if (isPlain(value)) {
      const entries = Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1));
      return `r${entries.length}:${entries.map(([key, item]) => framed(key) + this.#content(item)).join("")}`;
    }
    if (typeof value === "symbol") return `y${framed(this.#nameOf(value))}`;
    if (typeof value === "function" || (typeof value === "object" && value !== null)) {
      this.#process ??= crypto.randomUUID();
      return `o${framed(`${this.#process}:${this.#numberOf(value)}`)}`;
    }
    return `v${framed(`${typeof value}:${String(value)}`)}`;
  }

  /** Two symbols with the same description are two values; a registered symbol is the same everywhere. */
  #nameOf(value: symbol): string {
    const key = Symbol.keyFor(value);
    if (key !== undefined) return `for:${key}`;
    this.#process ??= crypto.randomUUID();
    const number = this.#symbols.get(value) ?? this.#symbols.size + 1;
    this.#symbols.set(value, number);
    return `${this.#process}:${number}`;
  }

  #numberOf(value: object): number {
    let number = this.#opaque.get(value);
    if (number === undefined) {
      number = ++this.#opaqueCount;
      this.#opaque.set(value, number);
    }
    return number;
  }
}

function framed(text: string): string {
  return `${text.length}:${text}`;
}
