import type { ConfigurationProblem } from "../errors.ts";
import { kindOf, secretMistake, unfilledTemplate } from "./secrets.ts";
import { isPlain } from "./snapshot.ts";

/** Collects what is wrong with a configuration. Each check tells the field's path and the mend. */
export class Problems {
  readonly list: ConfigurationProblem[] = [];

  add(path: string, problem: string, mend: string): void {
    this.list.push({ path, problem, mend });
  }
}

/** Looks at one field's value and adds what is wrong with it. */
export type Check = (value: unknown, path: string, problems: Problems) => void;

export const optional =
  (check: Check): Check =>
  (value, path, problems) => {
    if (value !== undefined) check(value, path, problems);
  };

export const text: Check = (value, path, problems) => {
  if (typeof value !== "string") problems.add(path, `is ${kindOf(value)}`, "give a string");
  else if (value.trim() === "") problems.add(path, "is empty", "give a value or leave it out");
  else {
    const template = unfilledTemplate(value);
    if (template !== undefined) problems.add(path, template.problem, template.mend);
  }
};

export const textOrList: Check = (value, path, problems) => {
  if (!Array.isArray(value)) return text(value, path, problems);
  if (value.length === 0) problems.add(path, "is an empty list", "name one or leave it out");
  for (const [index, item] of value.entries()) text(item, `${path}[${index}]`, problems);
};

/** A credential: a string or a function; a function's value is checked when it is read. */
export const credential: Check = (value, path, problems) => {
  if (typeof value === "function") return;
  const mistake = secretMistake(value);
  if (mistake !== undefined) problems.add(path, mistake.problem, mistake.mend);
};

/** One credential, or several to be tried one after the other. */
export const credentialOrList: Check = (value, path, problems) => {
  if (!Array.isArray(value)) return credential(value, path, problems);
  if (value.length === 0) problems.add(path, "is an empty list", "give at least one secret");
  for (const [index, item] of value.entries()) credential(item, `${path}[${index}]`, problems);
};

/** A credential that is checked further where it is no function. */
export const credentialThat =
  (further: Check): Check =>
  (value, path, problems) => {
    const before = problems.list.length;
    credential(value, path, problems);
    if (typeof value === "string" && problems.list.length === before)
      further(value, path, problems);
  };

export const oneOf =
  (...allowed: readonly string[]): Check =>
  (value, path, problems) => {
    if (typeof value === "string" && allowed.includes(value)) return;
    const shown =
      typeof value === "string" ? `is not one of ${quoted(allowed)}` : `is ${kindOf(value)}`;
    problems.add(path, shown, `choose ${quoted(allowed)}`);
  };

export const flag: Check = (value, path, problems) => {
  if (typeof value !== "boolean") {
    problems.add(path, `is ${kindOf(value)}`, "give true or false");
  }
};

// setTimeout overflows above this, and would fire at once.
const longestTimerMs = 2 ** 31 - 1;

export const milliseconds =
  (atLeast: number, atMost = longestTimerMs): Check =>
  (value, path, problems) => {
    if (typeof value !== "number" || !(value >= atLeast && value <= atMost)) {
      const shown = typeof value === "number" ? `is ${value}` : `is ${kindOf(value)}`;
      problems.add(path, shown, `give a number of milliseconds from ${atLeast} to ${atMost}`);
    }
  };

/** The names in a list, quoted. */
export function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

/** Whether a value is a record of plain data, and not an instance of some class. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return isPlain(value) && !Array.isArray(value);
}

export const headerName: Check = (value, path, problems) => {
  if (typeof value !== "string" || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value)) {
    problems.add(path, "is no header name", "use letters, digits and hyphens");
  }
};

/** A value that can stand in a header: visible ASCII with spaces inside. */
export const headerValue: Check = (value, path, problems) => {
  if (typeof value !== "string") problems.add(path, `is ${kindOf(value)}`, "give a string");
  else if (!/^[\x20-\x7e\t]*$/.test(value)) {
    problems.add(path, "holds characters that a header can't carry", "use visible ASCII alone");
  } else {
    const template = unfilledTemplate(value);
    if (template !== undefined) problems.add(path, template.problem, template.mend);
  }
};
