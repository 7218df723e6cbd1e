import { styleText } from "node:util";
import type { Scene } from "./scene.ts";
import type { Tally } from "./tally.ts";

type Style = Parameters<typeof styleText>[0];

/** Rows appear as scenes end; on a terminal, with colours and a line that tells what is running. */
export class Table {
  readonly #isTerminal = process.stdout.isTTY === true;
  readonly #hasColours = this.#isTerminal && !process.env.NO_COLOR;
  readonly #widths: readonly number[];
  readonly #titles = ["scene", "calls", "token requests", "renewals", "token wait"];

  constructor(scenes: readonly Scene[]) {
    const longest = Math.max(...scenes.map(({ title }) => title.length));
    this.#widths = this.#titles.map((title, index) => (index === 0 ? longest : title.length));
  }

  heading(text: string): void {
    console.log(`${text}\n`);
    console.log(this.#styled("dim", `  ${this.#cells(this.#titles)}  what should be seen`));
  }

  running({ title }: Scene): void {
    if (this.#isTerminal) process.stdout.write(`… ${title}`);
  }

  row({ title, expected }: Scene, { counts, waitedMs }: Tally, outcome: Outcome): void {
    if (this.#isTerminal) process.stdout.write("\r\u001b[2K");
    const { calls, tokenRequests, renewals } = counts;
    const numbers = [calls, tokenRequests, renewals].map((count) => count.toLocaleString("en"));
    const cells = this.#cells([title, ...numbers, `${waitedMs.toLocaleString("en")} ms`]);
    const mark = outcome.ok ? this.#styled("green", "✓") : this.#styled("red", "✗");
    console.log(`${mark} ${cells}  ${expected}`);
    if (outcome.note === undefined) return;
    for (const line of outcome.note.split("\n")) {
      console.log(this.#styled(outcome.ok ? "dim" : "red", `    ${line}`));
    }
  }

  skipped({ title }: Scene, reason: string): void {
    console.log(this.#styled("dim", `– ${title.padEnd(this.#widths[0] ?? 0)}  skipped: ${reason}`));
  }

  verdict(ok: boolean, text: string): void {
    console.log(`\n${this.#styled(ok ? "green" : "red", text)}`);
  }

  #cells(cells: readonly string[]): string {
    return cells
      .map((cell, index) => {
        const width = this.#widths[index] ?? 0;
        return index === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ");
  }

  #styled(style: Style, text: string): string {
    return this.#hasColours ? styleText(style, text) : text;
  }
}

export interface Outcome {
  readonly ok: boolean;
  /** Something worth showing; where it isn't ok, what was seen instead. */
  readonly note: string | undefined;
}
