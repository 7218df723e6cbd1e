/** One thing to measure: `run` does it `times` times. Each has a loop of its own, so that what V8 learns of one is not undone by another. */
export interface Contender {
  readonly name: string;
  run(times: number): Promise<void>;
}

export interface Turns {
  readonly rounds: number;
  /** Calls in a round. */
  readonly times: number;
  /** What is measured, in nanoseconds. By default time. */
  readonly clock?: () => number;
  readonly progress?: ((share: number) => void) | undefined;
}

/** What the rounds took. Contenders of one round are compared with each other and no others. */
export class Taken {
  readonly #nanoseconds: ReadonlyMap<string, number[]>;

  constructor(nanoseconds: ReadonlyMap<string, number[]>) {
    this.#nanoseconds = nanoseconds;
  }

  /** Nanoseconds a call, round by round. */
  of(name: string): readonly number[] {
    const rounds = this.#nanoseconds.get(name);
    if (rounds === undefined) throw new Error(`no contender is called "${name}"`);
    return rounds;
  }

  /** Nanoseconds a call. */
  median(name: string): number {
    return median(this.of(name));
  }

  /** How many times as long one takes as the other. */
  ratio(name: string, beside: string): number {
    const others = this.of(beside);
    return median(this.of(name).map((taken, round) => taken / (others[round] ?? Number.NaN)));
  }

  /** How many nanoseconds a call one takes more than the other. */
  difference(name: string, beside: string): number {
    const others = this.of(beside);
    return median(this.of(name).map((taken, round) => taken - (others[round] ?? Number.NaN)));
  }
}

/**
 * Many short rounds taken in turns, so that whatever else the machine does hits all alike. What is
 * told of them are medians of what was found within each round.
 */
export async function sideBySide(
  contenders: readonly Contender[],
  { rounds, times, clock = elapsed, progress }: Turns,
): Promise<Taken> {
  const taken = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  // Until V8 has made up its mind about each, with the others there.
  for (let turn = 0; turn < 5; turn++) {
    for (const contender of contenders) await contender.run(times);
  }
  for (let round = 0; round < rounds; round++) {
    for (const contender of inTurn(contenders, round)) {
      const start = clock();
      await contender.run(times);
      taken.get(contender.name)?.push((clock() - start) / times);
    }
    progress?.((round + 1) / rounds);
  }
  return new Taken(taken);
}

const elapsed = () => performance.now() * 1e6;

/** Another order each time, there and back: nobody always runs on another's warm cache. */
function inTurn<T>(all: readonly T[], round: number): readonly T[] {
  const turn = Math.floor(round / 2) % all.length;
  const turned = [...all.slice(turn), ...all.slice(0, turn)];
  return round % 2 === 0 ? turned : turned.reverse();
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? Number.NaN)) / 2 : upper;
}
