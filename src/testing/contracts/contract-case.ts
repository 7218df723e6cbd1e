/** One thing that has to hold. */
export interface ContractCase {
  /** For the runner: what holds, as a sentence about it. */
  readonly name: string;
  /** @throws AssertionError where it doesn't hold */
  run(): Promise<void>;
}
