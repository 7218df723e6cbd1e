const realSetImmediate = setImmediate;
/** The shortest step that time takes, in milliseconds. */
const stepMs = 0.25;

/** A timer of the virtual clock, with what Node's has and code may touch. */
class VirtualTimer {
  work: (() => void) | undefined;
  readonly everyMs: number | undefined;

  constructor(work: () => void, everyMs: number | undefined) {
    this.work = work;
    this.everyMs = everyMs;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

/**
 * Time that passes as quickly as everything in it is done. It stands in for `Date.now`,
 * `performance.now`, `setTimeout` and `setInterval`. Computing takes no virtual time, and must not go on
 * in other threads, which wouldn't be waited for: see `synchronous-crypto.ts`.
 */
export class VirtualClock {
  readonly epoch = Date.UTC(2030, 0, 1);
  #elapsed = 0;
  /** What is due, by the moment. */
  readonly #due = new Map<number, VirtualTimer[]>();
  /** The moments at which something is due: a binary heap, the earliest first. */
  readonly #instants: number[] = [];

  /** Milliseconds since the clock began. */
  get elapsed(): number {
    return this.#elapsed;
  }

  /** From now on this is the clock of the whole process. */
  install(): void {
    Reflect.set(Date, "now", () => this.epoch + Math.floor(this.#elapsed));
    Reflect.set(performance, "now", () => this.#elapsed);
    // Whole milliseconds, and one at least: so are Node's.
    const whole = (ms = 1) => Math.max(1, Math.trunc(ms));
    Reflect.set(globalThis, "setTimeout", (work: () => void, ms?: number) =>
      this.after(whole(ms), work),
    );
    Reflect.set(globalThis, "setInterval", (work: () => void, ms?: number) =>
      this.#add(new VirtualTimer(work, whole(ms)), whole(ms)),
    );
    const clear = (timer?: VirtualTimer) => {
      if (timer !== undefined) timer.work = undefined;
    };
    Reflect.set(globalThis, "clearTimeout", clear);
    Reflect.set(globalThis, "clearInterval", clear);
  }

  /** Does `work` after so many milliseconds. */
  after(ms: number, work: () => void): VirtualTimer {
    return this.#add(new VirtualTimer(work, undefined), ms);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Lets time pass until the clock shows so many milliseconds. */
  async runUntil(end: number): Promise<void> {
    for (let next = this.#instants[0]; next !== undefined && next <= end; ) {
      this.#removeFirst();
      this.#elapsed = next;
      const timers = this.#due.get(next) ?? [];
      this.#due.delete(next);
      for (const timer of timers) {
        const { work, everyMs } = timer;
        if (work === undefined) continue;
        if (everyMs === undefined) timer.work = undefined;
        else this.#add(timer, everyMs);
        work();
      }
      await this.#settled();
      next = this.#instants[0];
    }
    this.#elapsed = Math.max(this.#elapsed, end);
  }

  /** Until everything that could go on has gone on. */
  async #settled(): Promise<void> {
    // The event loop comes here when no promise is left to be taken further.
    await new Promise<void>((resolve) => realSetImmediate(resolve));
  }

  #add(timer: VirtualTimer, ms: number): VirtualTimer {
    const at = this.#elapsed + Math.max(1, Math.ceil(ms / stepMs)) * stepMs;
    const others = this.#due.get(at);
    if (others === undefined) {
      this.#due.set(at, [timer]);
      this.#insert(at);
    } else {
      others.push(timer);
    }
    return timer;
  }

  #insert(instant: number): void {
    const heap = this.#instants;
    let hole = heap.push(instant) - 1;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = heap[parent] ?? 0;
      if (above <= instant) break;
      heap[hole] = above;
      hole = parent;
    }
    heap[hole] = instant;
  }

  #removeFirst(): void {
    const heap = this.#instants;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let hole = 0;
    for (;;) {
      const left = heap[2 * hole + 1] ?? Infinity;
      const right = heap[2 * hole + 2] ?? Infinity;
      const least = Math.min(left, right);
      if (least >= last) break;
      heap[hole] = least;
      hole = 2 * hole + (left <= right ? 1 : 2);
    }
    heap[hole] = last;
  }
}
