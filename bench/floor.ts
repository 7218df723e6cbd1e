/** The least that anything could do that returns a header while its token is good. */
export class Floor {
  readonly #entries = new Map<string, { readonly header: string; readonly usableUntil: number }>();

  add(id: string, header: string): void {
    this.#entries.set(id, { header, usableUntil: Date.now() + 86_400_000 });
  }

  async getAuthHeader(id: string): Promise<string> {
    const entry = this.#entries.get(id);
    if (entry === undefined || Date.now() >= entry.usableUntil) throw new Error("no token");
    return entry.header;
  }
}
