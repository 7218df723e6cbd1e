import assert from "node:assert/strict";
import type { Answer, Counts, Tally } from "./tally.ts";

export function expectCounts(tally: Tally, expected: Counts): void {
  assert.deepEqual(tally.counts, expected);
}

export function expectAllOk(answers: readonly Answer[]): void {
  const failed = answers.filter(({ status }) => status !== 200).length;
  assert.equal(failed, 0, `${failed} of ${answers.length} calls failed`);
}
