/**
 * Reads files, each once at a time. A file on a dead mount blocks its read for ever, and with it one of
 * the few threads that Node.js reads files and resolves names with: a second read would block another.
 */
export class FileReads {
  readonly #underWay = new Map<string, Promise<string>>();

  read(path: string): Promise<string> {
    const underWay = this.#underWay.get(path);
    if (underWay !== undefined) return underWay;
    const reading = import("node:fs/promises")
      .then(({ readFile }) => readFile(path, "utf8"))
      .finally(() => this.#underWay.delete(path));
    this.#underWay.set(path, reading);
    return reading;
  }
}
