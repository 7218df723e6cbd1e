import { styleText } from "node:util";
import type { ConfigurationProblem } from "../../errors.ts";
import type { CheckedEndpoint } from "./check-endpoint.ts";
import { type Step, stepNames } from "./step.ts";

const marks = {
  passed: styleText("green", "✓"),
  warning: styleText("yellow", "!"),
  failed: styleText("red", "✗"),
  skipped: styleText("dim", "–"),
} satisfies Record<Step["status"], string>;

const width = Math.max(...stepNames.map((name) => name.length));
const indent = " ".repeat(width + 6);

/** A line for each step of an endpoint, with what to do below it. */
export function rendered({ endpoint, steps }: CheckedEndpoint): string {
  return [styleText("bold", endpoint), ...steps.flatMap(linesOf)].join("\n");
}

function linesOf(step: Step): readonly string[] {
  const { status, message, fix, problems = [], durationMs } = step;
  const time = durationMs > 0 ? styleText("dim", `  ${durationMs} ms`) : "";
  const said = status === "skipped" ? styleText("dim", message) : message;
  return [
    `  ${marks[status]} ${step.step.padEnd(width)}  ${said}${time}`,
    ...problems.map((problem) => `${indent}${problemText(problem)}`),
    ...(fix === undefined ? [] : [`${indent}${styleText("cyan", `→ ${fix}`)}`]),
  ];
}

function problemText({ path, problem, fix }: ConfigurationProblem): string {
  return `${path} ${problem}; ${styleText("cyan", fix)}`;
}

/** How many work, in a sentence. */
export function summary(checked: readonly CheckedEndpoint[]): string {
  const broken = checked.filter(({ ok }) => !ok);
  if (broken.length === 0) {
    const all = checked.length === 1 ? "it works" : `all ${checked.length} work`;
    return styleText("green", all);
  }
  const names = broken.map(({ endpoint }) => endpoint).join(", ");
  return styleText("red", `${broken.length} of ${checked.length} failed: ${names}`);
}
