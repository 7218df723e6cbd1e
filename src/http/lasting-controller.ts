import type { Dispatcher } from "undici";

type Controller = Dispatcher.DispatchController;

/** What the caller's handler holds, however often the request is sent. */
export class LastingController implements Controller {
  readonly #letGo = new AbortController();
  #target: Controller | undefined;
  #isPaused = false;
  #timer: NodeJS.Timeout | undefined;

  get signal(): AbortSignal {
    return this.#letGo.signal;
  }

  /** The controller of the request that is under way. */
  set target(target: Controller) {
    this.#target = target;
    if (this.aborted) target.abort(this.#letGo.signal.reason);
  }

  get aborted(): boolean {
    return this.#letGo.signal.aborted;
  }

  get reason(): Error | null {
    return this.aborted ? this.#letGo.signal.reason : null;
  }

  get paused(): boolean {
    return this.#isPaused;
  }

  get rawHeaders(): NonNullable<Controller["rawHeaders"]> | null {
    return this.#target?.rawHeaders ?? null;
  }

  get rawTrailers(): NonNullable<Controller["rawTrailers"]> | null {
    return this.#target?.rawTrailers ?? null;
  }

  /** Ends the whole request, the wait for a token included, after so long. */
  limitTo(timeoutMs: number | undefined): void {
    if (timeoutMs === undefined) return;
    const reason = () =>
      new DOMException(`transport.timeoutMs (${timeoutMs} ms) is over`, "TimeoutError");
    this.#timer = setTimeout(() => this.abort(reason()), timeoutMs);
  }

  /** The request ended before its deadline. */
  finished(): void {
    clearTimeout(this.#timer);
  }

  abort(reason: Error): void {
    this.finished();
    this.#letGo.abort(reason);
    this.#target?.abort(reason);
  }

  pause(): void {
    this.#isPaused = true;
    this.#target?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#target?.resume();
  }
}
