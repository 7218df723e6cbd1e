import type { Check } from "../checks/check.ts";
import type { OwnGrantStrategy } from "./grant-strategy.ts";

/** The fields of a configuration as they were given: they may hold anything. */
export type GivenFields = Readonly<Record<string, unknown>>;

/** What the library knows of one field of a configuration. */
export interface Field<Value> {
  /** What the value must be. */
  readonly check?: Check;
  /** The same for a field whose meaning depends on other fields, or on the grant. */
  readonly checkWith?: (given: GivenFields, strategy: OwnGrantStrategy | undefined) => Check;
  /** The value of a field that isn't given. */
  readonly default?: Value;
  /** `false` for a field that changes nothing about the token: endpoints that differ in it alone share tokens. */
  readonly inIdentity?: false;
}

type KeyOfEach<Union> = Union extends unknown ? keyof Union : never;
type ValueIn<Union, Name> = Union extends unknown
  ? Name extends keyof Union
    ? Union[Name]
    : undefined
  : never;

/** Every field of every member of a union: the compiler reports one that the table doesn't have. */
export type FieldTable<Config> = {
  readonly [Name in KeyOfEach<Config> & string]-?: Field<ValueIn<Config, Name>>;
};

/** A configuration whose fields were checked and whose defaults are filled in. */
export type ParsedFields<Config, Table> = {
  readonly [Name in KeyOfEach<Config> & keyof Table]: Table[Name] extends {
    readonly default: unknown;
  }
    ? Exclude<ValueIn<Config, Name>, undefined>
    : ValueIn<Config, Name>;
};

/** The checks of a table, for a configuration with these fields. */
export function checksOf(
  table: Readonly<Record<string, Field<unknown>>>,
  given: GivenFields,
  strategy?: OwnGrantStrategy,
): Record<string, Check> {
  const checks = Object.entries(table).map(([name, { check, checkWith }]): [string, Check] => [
    name,
    checkWith?.(given, strategy) ?? check ?? (() => {}),
  ]);
  return Object.fromEntries(checks);
}

/** Fields that have passed their checks, with the table's defaults for those that aren't given. */
export function parsedFields<Config, Table extends Readonly<Record<string, Field<unknown>>>>(
  table: Table,
  given: GivenFields,
): ParsedFields<Config, Table> {
  const entries = Object.entries(table).map(([name, field]) => [
    name,
    given[name] ?? field.default,
  ]);
  // The checks are what makes this true.
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as ParsedFields<
    Config,
    Table
  >;
}

/** The table's defaults alone. */
export function defaultsOf<Config, Table extends Readonly<Record<string, Field<unknown>>>>(
  table: Table,
): ParsedFields<Config, Table> {
  return parsedFields(table, {});
}
