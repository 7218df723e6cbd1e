const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 100;
const clearLine = "\r\u001b[K";

/** What is being done, in one line that is overwritten; on a terminal only. */
export class Progress {
  readonly #stream: NodeJS.WriteStream | undefined;
  #timer: NodeJS.Timeout | undefined;
  #text = "";
  #frame = 0;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream.isTTY ? stream : undefined;
  }

  show(text: string): void {
    this.#text = text;
    if (this.#stream === undefined) return;
    this.#timer ??= setInterval(() => this.#draw(), frameMs).unref();
    this.#draw();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stream?.write(clearLine);
  }

  #draw(): void {
    const columns = this.#stream?.columns ?? 80;
    const line = `${frames[this.#frame++ % frames.length]} ${this.#text}`;
    this.#stream?.write(clearLine + line.slice(0, columns - 1));
  }
}
