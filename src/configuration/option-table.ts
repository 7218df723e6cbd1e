import { type Check, optional } from "../checks/check.ts";
import { isRecord, mustBe } from "../checks/kinds.ts";
import { checkFields } from "../checks/unknown-fields.ts";

/** An option of a group: how it is checked, and its value where neither endpoint nor instance sets it. */
interface Option<Value> {
  readonly check: Check;
  readonly default: Value;
  /** Whether another value leads to another token: then the option is part of the token's identity. */
  readonly inIdentity: boolean;
}

/** A group of options with its defaults filled in; those in `Computed` have no fixed default. */
export type Filled<Options, Computed extends keyof Options = never> = {
  readonly [Name in keyof Options]-?: Name extends Computed
    ? Options[Name]
    : Exclude<Options[Name], undefined>;
};

/** All options of a group: the compiler reports one that the public type has and the table hasn't. */
export type OptionTable<Options, Computed extends keyof Options = never> = {
  readonly [Name in keyof Options]-?: Option<Filled<Options, Computed>[Name]>;
};

/** Checks a group of options. */
export function group(table: Readonly<Record<string, Option<unknown>>>): Check {
  return optional((value, path, problems) => {
    if (!isRecord(value)) {
      return problems.add(path, mustBe("an object", value), "set an object with options");
    }
    const checks = Object.entries(table).map(([name, { check }]) => [name, optional(check)]);
    checkFields(value, Object.fromEntries(checks), problems, (name) => `${path}.${name}`);
  });
}

/** The options of a group: the endpoint's own, else the instance's, else the default. */
export function filled<Options extends object, Computed extends keyof Options>(
  table: OptionTable<Options, Computed>,
  own: Options | undefined,
  instance?: Filled<Options, Computed>,
): Filled<Options, Computed> {
  // One object serves all endpoints that set nothing themselves.
  if (own === undefined && instance !== undefined) return instance;
  const names = Object.keys(table) as (keyof Options & string)[];
  const values = names.map((name) => [
    name,
    own?.[name] ?? instance?.[name] ?? table[name].default,
  ]);
  return Object.freeze(Object.fromEntries(values)) as Filled<Options, Computed>;
}

/** The options that are part of the token's identity. */
export function identityOptions(
  table: Readonly<Record<string, Option<unknown>>>,
  settings: object,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(settings).filter(([name]) => table[name]?.inIdentity === true),
  );
}
