import { isRecord } from "../checks/kinds.ts";
import { Cursor } from "./cursor.ts";
import { pathBelow, type Report } from "./report.ts";
import { type Stage, urlOf } from "./stages.ts";

interface Choice {
  readonly environment: string | undefined;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** What a params file of apictl says of one environment. */
export interface Environment {
  url(stage: Stage): string | undefined;
  security(stage: Stage): Cursor | undefined;
  noteTheRest(): void;
}

/** The environment of that name, or the only one. */
export function environmentOf(
  params: Record<string, unknown>,
  path: string,
  { environment, variables }: Choice,
  report: Report,
): Environment | undefined {
  const file = new Cursor(params, path, report);
  const all = file.at("environments");
  const named = all.items().map((one) => ({ one, name: one.at("name").text() }));
  const chosen =
    named.length === 1 && environment === undefined
      ? named[0]
      : named.find(({ name }) => name === environment);
  if (chosen === undefined) {
    const names = named.map(({ name }) => `"${name}"`).join(", ");
    const problem = environment === undefined ? "has several" : `has no "${environment}"`;
    all.problem(problem, `set environment to one of ${names}`);
    return undefined;
  }
  for (const { one } of named) if (one !== chosen.one) one.left("is another environment");
  const filledIn = filled(chosen.one.value, chosen.one.path, { variables, report });
  const place = new Cursor(filledIn, chosen.one.path, report);
  place.at("name").carried("is the environment that was asked for");
  const configs = place.at("configs").isThere ? place.at("configs") : place;
  const security = configs.at("security");
  // 3.2 has one for both.
  const isForBoth = !security.at("production").isThere && !security.at("sandbox").isThere;
  return {
    url(stage) {
      const address = configs.at("endpoints").at(stage);
      const url = urlOf(address);
      const missing = url === undefined ? undefined : /\$\{([^}]*)\}/.exec(url)?.[1];
      if (missing === undefined) return url;
      address.problem(`needs the environment variable ${missing}`, `set ${missing}`);
      return undefined;
    },
    security(stage) {
      const own = isForBoth ? security : security.at(stage);
      return own.isThere ? own : undefined;
    },
    noteTheRest() {
      report.noteTheRest(params, path);
    },
  };
}

interface Filling {
  readonly variables: Choice["variables"];
  readonly report: Report;
}

/** `${NAME}` stands for an environment variable; one that isn't set stays as it is. */
function filled(value: unknown, path: string, filling: Filling): unknown {
  if (typeof value === "string") {
    const { variables, report } = filling;
    const text = value.replace(/\$\{([^}]+)\}/g, (whole, name: string) => variables[name] ?? whole);
    if (text !== value) report.fillIn(path);
    return text;
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => filled(item, pathBelow(path, index), filling));
  }
  if (!isRecord(value)) return value;
  const members = Object.entries(value).map(([name, child]) => [
    name,
    filled(child, pathBelow(path, name), filling),
  ]);
  return Object.fromEntries(members);
}
