import type { Problems } from "../checks/check.ts";
import { isPlain } from "../checks/kinds.ts";
import { deepestNesting } from "./config-snapshot.ts";

/** Values by the names of variables, such as `process.env`. */
export type Variables = Readonly<Record<string, string | undefined>>;

const reference = /\$\{([A-Za-z_]\w*)\}/g;

/** A copy of a configuration with the variable's value in place of every `${NAME}` in its texts. */
export function filledIn(
  value: unknown,
  variables: Variables,
  problems: Problems,
  path = "",
  depth = 0,
): unknown {
  if (typeof value === "string") {
    return value.replaceAll(reference, (written, name: string) => {
      const filled = Object.hasOwn(variables, name) ? variables[name] : undefined;
      if (filled !== undefined) return filled;
      problems.add(path, `needs the variable ${name}, which is not set`, `set ${name}`);
      return written;
    });
  }
  if (depth > deepestNesting) return value;
  if (Array.isArray(value)) {
    return value.map((item, index) =>
      filledIn(item, variables, problems, `${path}[${index}]`, depth + 1),
    );
  }
  if (!isPlain(value)) return value;
  const entries = Object.entries(value).map(([name, member]) => [
    name,
    filledIn(member, variables, problems, path === "" ? name : `${path}.${name}`, depth + 1),
  ]);
  return Object.fromEntries(entries);
}
