import type { ConfigurationProblem } from "../errors.ts";
import { kindOf, mustBe } from "./kinds.ts";
import { secretMistake, unfilledTemplate } from "./secret-mistake.ts";

/** Collects the problems of a configuration, each with its path and fix. */
export class Problems {
  readonly list: ConfigurationProblem[] = [];

  add(path: string, problem: string, fix: string): void {
    this.list.push({ path, problem, fix });
  }
}

/** Checks one field's value and adds its problems. */
export type Check = (value: unknown, path: string, problems: Problems) => void;

export const optional =
  (check: Check): Check =>
  (value, path, problems) => {
    if (value !== undefined) check(value, path, problems);
  };

export const text: Check = (value, path, problems) => {
  if (typeof value !== "string") problems.add(path, mustBe("a string", value), "set a string");
  else if (value.trim() === "") problems.add(path, "is empty", "set a value or leave it out");
  else {
    const template = unfilledTemplate(value);
    if (template !== undefined) problems.add(path, template.problem, template.fix);
  }
};

export const textOrList: Check = (value, path, problems) => {
  if (!Array.isArray(value)) return text(value, path, problems);
  if (value.length === 0) problems.add(path, "is an empty list", "add an entry or leave it out");
  for (const [index, item] of value.entries()) text(item, `${path}[${index}]`, problems);
};

/** A credential: a string or a function; a function's value is checked when it is read. */
export const credential: Check = (value, path, problems) => {
  if (typeof value === "function") return;
  const mistake = secretMistake(value);
  if (mistake !== undefined) problems.add(path, mistake.problem, mistake.fix);
};

/** A token that comes from outside, such as a caller's: its content is not checked here. */
export const foreignToken: Check = (value, path, problems) => {
  if (typeof value === "function") return;
  if (typeof value !== "string") problems.add(path, mustBe("a string", value), "set a string");
  else if (value.trim() === "") problems.add(path, "is empty", "set the token");
};

/** A credential that may be empty, as some services use only one half of user name and password. */
export const credentialOrEmpty: Check = (value, path, problems) => {
  if (value !== "") credential(value, path, problems);
};

/** One credential, or a list of credentials to try in turn. */
export const credentialOrList: Check = (value, path, problems) => {
  if (!Array.isArray(value)) return credential(value, path, problems);
  if (value.length === 0) problems.add(path, "is an empty list", "set at least one secret");
  for (const [index, item] of value.entries()) credential(item, `${path}[${index}]`, problems);
};

/** A credential that is checked further if it is not a function. */
export const credentialThat =
  (further: Check, { mayBeEmpty = false } = {}): Check =>
  (value, path, problems) => {
    const before = problems.list.length;
    if (value !== "" || !mayBeEmpty) credential(value, path, problems);
    if (typeof value === "string" && problems.list.length === before)
      further(value, path, problems);
  };

export const oneOf =
  (...allowed: readonly string[]): Check =>
  (value, path, problems) => {
    if (typeof value === "string" && allowed.includes(value)) return;
    const what = `one of ${quoted(allowed)}`;
    const problem = typeof value === "string" ? `must be ${what}` : mustBe(what, value);
    problems.add(path, problem, `choose ${quoted(allowed)}`);
  };

export const flag: Check = (value, path, problems) => {
  if (typeof value !== "boolean") {
    problems.add(path, mustBe("true or false", value), "set true or false");
  }
};

// setTimeout overflows above this, and would fire at once.
const longestTimerMs = 2 ** 31 - 1;

export const milliseconds =
  (atLeast: number, atMost = longestTimerMs): Check =>
  (value, path, problems) => {
    if (typeof value !== "number" || !(value >= atLeast && value <= atMost)) {
      const what = `a number of milliseconds from ${atLeast} to ${atMost}`;
      const problem =
        typeof value === "number" ? `must be ${what}, got ${value}` : mustBe(what, value);
      problems.add(path, problem, `set ${what}`);
    }
  };

/** How many times. */
export const count: Check = (value, path, problems) => {
  if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > 100) {
    const shown = typeof value === "number" ? String(value) : kindOf(value);
    const problem = `must be a whole number from 0 to 100, got ${shown}`;
    problems.add(path, problem, "set a number from 0 to 100");
  }
};

/** The names in a list, quoted. */
export function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

export const headerName: Check = (value, path, problems) => {
  if (typeof value !== "string" || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value)) {
    problems.add(path, "must be a header name", "use letters, digits and hyphens");
  }
};

/** A value that can stand in a header: visible ASCII with spaces inside. */
export const headerValue: Check = (value, path, problems) => {
  if (typeof value !== "string") problems.add(path, mustBe("a string", value), "set a string");
  else if (!/^[\x20-\x7e\t]*$/.test(value)) {
    problems.add(path, "has characters that a header can't carry", "use visible ASCII only");
  } else {
    const template = unfilledTemplate(value);
    if (template !== undefined) problems.add(path, template.problem, template.fix);
  }
};
