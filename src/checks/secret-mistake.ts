import { mustBe } from "./kinds.ts";

/** What is wrong with a credential's value, or undefined. The value itself is never shown. */
export function secretMistake(
  value: unknown,
): { readonly problem: string; readonly fix: string } | undefined {
  if (typeof value !== "string") {
    return {
      problem: mustBe("a string or a function", value),
      fix: "set a string, or a function that returns one",
    };
  }
  if (value.trim() === "")
    return { problem: "is empty", fix: "set the secret, or a function that returns it" };
  if (value === "undefined" || value === "null") {
    return {
      problem: `is the text "${value}", which a missing value turns into`,
      fix: "set its environment variable, or read the secret where it is used",
    };
  }
  if (/[\r\n]$/.test(value) && !value.startsWith("-----BEGIN ")) {
    return { problem: "ends with a line break", fix: "trim it: files often end with one" };
  }
  if (/^[*•]{3,}$/.test(value.trim())) {
    return {
      problem: "is masked (******), as in a gateway's export",
      fix: "set the real secret",
    };
  }
  const template = unfilledTemplate(value);
  if (template !== undefined) return template;
  return undefined;
}

/** Finds `${…}` that was not replaced. */
export function unfilledTemplate(
  value: string,
): { readonly problem: string; readonly fix: string } | undefined {
  const start = value.indexOf("${");
  return start !== -1 && value.includes("}", start)
    ? {
        problem: "has a template that was not filled in (${…})",
        fix: "replace it before the configuration is used",
      }
    : undefined;
}
