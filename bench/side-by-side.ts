/** One thing to measure: `run` does it `times` times. */
export interface Contender {
  readonly name: string;
  run(times: number): Promise<void>;
}

/**
 * Nanoseconds a call, for each contender: the median of many short rounds taken in turns, so that
 * whatever else the machine does hits all alike.
 */
export async function sideBySide(
  contenders: readonly Contender[],
  { rounds, times }: { readonly rounds: number; readonly times: number },
): Promise<ReadonlyMap<string, number>> {
  const taken = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  for (const { run } of contenders) await run(times * 3);
  for (let round = 0; round < rounds; round++) {
    // Another order each time: nobody always runs on the other's warm cache.
    for (let index = 0; index < contenders.length; index++) {
      const contender = contenders[(index + round) % contenders.length];
      if (contender === undefined) continue;
      const start = process.hrtime.bigint();
      await contender.run(times);
      taken.get(contender.name)?.push(Number(process.hrtime.bigint() - start) / times);
    }
  }
  return new Map([...taken].map(([name, values]) => [name, median(values)]));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
