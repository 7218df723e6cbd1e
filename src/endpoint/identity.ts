import { isPlain } from "./snapshot.ts";

/**
 * Fields that change nothing about the token. Everything else does, also what we don't know. Of
 * `transport` only the client certificate does, which comes among the credentials.
 */
const besideTheToken = new Set(["name", "url", "transport"]);

/**
 * What a token depends on, as one value: the cache key, the lease and the single flight are made
 * from it. Every field of the configuration and every credential's value is in it, each behind its
 * length, so that no two configurations can be read as one.
 */
export class Identity {
  /** Functions and class instances can't be told apart by content: each is itself, in this process. */
  #process: string | undefined;
  readonly #opaque = new WeakMap<object, number>();
  #opaqueCount = 0;

  async of(
    config: Readonly<Record<string, unknown>>,
    credentials: Readonly<Record<string, string>>,
  ): Promise<string> {
    // With the first token only: loading it takes longer than it should at a service's start.
    const { createHash } = await import("node:crypto");
    const hash = createHash("sha256");
    const fields = { ...config, ...credentials };
    for (const name of Object.keys(fields).sort()) {
      if (besideTheToken.has(name) || fields[name] === undefined) continue;
      hash.update(framed(name));
      hash.update(this.#content(fields[name]));
    }
    // 192 bits are as good as unique, and one is held for every token.
    return hash.digest().subarray(0, 24).toString("latin1");
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
    if (typeof value === "function" || (typeof value === "object" && value !== null)) {
      this.#process ??= crypto.randomUUID();
      return `o${framed(`${this.#process}:${this.#numberOf(value)}`)}`;
    }
    return `v${framed(`${typeof value}:${String(value)}`)}`;
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
