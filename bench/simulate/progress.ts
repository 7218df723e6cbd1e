/** One line on a terminal that tells how far each variant is. */
export class Progress {
  readonly #states = new Map<string, string>();

  show(variant: string, chapter: string, share: number): void {
    this.#states.set(variant, `${variant}: ${chapter} ${Math.round(share * 100)} %`);
    this.#write([...this.#states.values()].join(" · ").slice(0, process.stderr.columns - 1));
  }

  clear(): void {
    this.#write("");
  }

  #write(line: string): void {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${line}`);
  }
}
