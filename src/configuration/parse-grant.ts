import type { StandardSchemaV1 } from "@standard-schema/spec";
import { credential, foreignToken, optional, type Problems } from "../checks/check.ts";
import { isRecord } from "../checks/kinds.ts";
import { checkFields, near } from "../checks/unknown-fields.ts";
import type { PrivateKeySource } from "../credentials/private-key.ts";
import type { Secret } from "../credentials/secrets.ts";
import { checksOf, type GivenFields } from "./field-table.ts";
import type { OwnGrantStrategy } from "./grant-strategy.ts";
import { oauth2Fields } from "./oauth2-fields.ts";
import type { KeySource, ParsedGrant } from "./parsed-endpoint.ts";

/** Checks all fields, those of the grant with them. */
export function parseGrant(
  given: GivenFields,
  strategy: OwnGrantStrategy | undefined,
  problems: Problems,
): ParsedGrant | undefined {
  const checks = checksOf(oauth2Fields, given, strategy);
  const credentials = Object.entries(strategy?.credentials ?? {});
  for (const [name, need] of credentials) {
    const check = strategy?.passing?.includes(name) ? foreignToken : credential;
    checks[name] = need === "required" ? check : optional(check);
  }
  const known = Object.keys(checks);
  const own = pick(
    given,
    Object.keys(given).filter((name) => !Object.hasOwn(checks, name)),
  );
  // Only the strategy knows which of the other fields belong to it, and it need not say so. Without a
  // strategy, a field that looks like a known one is a mistake all the same.
  const theirs =
    strategy === undefined
      ? Object.keys(own).filter((name) => near(name, known) === "")
      : (strategy.fields ?? Object.keys(own));
  for (const name of theirs) checks[name] = () => {};
  Object.assign(checks, strategy?.checks?.(given));
  checkFields(given, checks, problems);
  if (strategy === undefined) return undefined;
  const { schema, passing = [] } = strategy;
  const names = credentials.map(([name]) => name);
  return {
    strategy,
    isPerCall: passing.some((name) => typeof given[name] === "function"),
    secrets: pick(given, names) as Readonly<Record<string, Secret>>,
    given: own,
    fields: schema === undefined ? own : checkOwnFields(schema, own, known, problems),
  };
}

/** Shared by all endpoints whose grant has no fields. */
export const noGivenFields = Object.freeze({});

/** The fields named, of those that were given. */
function pick(given: GivenFields, names: readonly string[]): GivenFields {
  const found = names.filter((name) => given[name] !== undefined);
  if (found.length === 0) return noGivenFields;
  return Object.freeze(Object.fromEntries(found.map((name) => [name, given[name]])));
}

export const noKeys: readonly KeySource[] = Object.freeze([]);

/** The private keys that sign: the client's, and those of the grant. */
export function keysOf(
  given: GivenFields,
  { signers = [] }: OwnGrantStrategy,
): readonly KeySource[] {
  const keys = ["client", ...signers].flatMap((signer): KeySource[] => {
    const field = `${signer}PrivateKey`;
    const source = given[field];
    if (source === undefined) return [];
    const algorithmField = `${signer === "client" ? "clientAssertion" : signer}Algorithm`;
    const text = (name: string) => given[name] as string | undefined;
    const algorithm = text(algorithmField);
    const keyId = text(`${field}Id`);
    return [{ field, source: source as PrivateKeySource, algorithm, algorithmField, keyId }];
  });
  return keys.length === 0 ? noKeys : keys;
}

/** What the strategy's schema makes of its own fields. */
function checkOwnFields(
  schema: StandardSchemaV1,
  own: Readonly<Record<string, unknown>>,
  known: readonly string[],
  problems: Problems,
): Readonly<Record<string, unknown>> {
  const result = schema["~standard"].validate(own);
  if (result instanceof Promise) {
    problems.add("grantType", "has a schema that validates asynchronously", "make it synchronous");
    return {};
  }
  for (const { path = [], message } of result.issues ?? []) {
    const names = path.map((part) => String(typeof part === "object" ? part.key : part));
    const said = withoutTexts(message, own);
    problems.add(
      names.join(".") || "grantType",
      `doesn't match the grant's schema: ${said}`,
      "correct it",
    );
  }
  if (result.issues !== undefined) return {};
  const fields = isRecord(result.value) ? result.value : {};
  // What the schema leaves out and looks like a field of every endpoint is a slip.
  for (const name of Object.keys(own)) {
    const hint = near(name, known);
    if (!Object.hasOwn(fields, name) && hint !== "") {
      problems.add(name, `is not a field here${hint}`, "correct or remove it");
    }
  }
  return fields;
}

/** A schema's message, which may quote what it was given, without that. */
function withoutTexts(message: string, given: unknown): string {
  if (typeof given === "string") {
    return given === "" ? message : message.replaceAll(given, "[redacted]");
  }
  if (typeof given !== "object" || given === null) return message;
  return Object.values(given).reduce<string>(withoutTexts, message);
}
