import leven from "leven";
import type { Check, Problems } from "./check.ts";

/** Checks every known field, and reports every unknown one. */
export function checkFields(
  fields: Readonly<Record<string, unknown>>,
  checks: Readonly<Record<string, Check>>,
  problems: Problems,
  pathOf: (name: string) => string = (name) => name,
): void {
  for (const [name, check] of Object.entries(checks)) check(fields[name], pathOf(name), problems);
  const known = Object.keys(checks);
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && !Object.hasOwn(checks, name)) {
      const problem = `is not a field here${near(name, known)}`;
      problems.add(pathOf(name), problem, "correct or remove it");
    }
  }
}

/** ` (did you mean "…"?)` where something known is near. */
export function near(name: string, known: readonly string[]): string {
  const simple = (word: string) => word.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    const distance = leven(simple(name), simple(candidate));
    if (best === undefined || distance < best.distance) best = { name: candidate, distance };
  }
  const limit = Math.max(2, Math.floor(name.length / 3));
  return best !== undefined && best.distance <= limit ? ` (did you mean "${best.name}"?)` : "";
}
