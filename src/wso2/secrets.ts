import type { Secret } from "../credentials/secrets.ts";
import type { Cursor } from "./cursor.ts";
import { tryJson } from "./try-json.ts";

/**
 * Where the secrets come from that an export doesn't hold: an object by path
 * (`{ "production.clientSecret": … }`), a function of the path, or {@link environment}.
 */
export type ImportSecrets =
  | EnvironmentSecrets
  | Readonly<Record<string, Secret | undefined>>
  | ((path: string) => Secret | undefined);

/** The secrets of an import in environment variables. Made by {@link environment}. */
export class EnvironmentSecrets {
  readonly #prefix: string;
  readonly #variables: Readonly<Record<string, string | undefined>>;

  constructor(prefix: string, variables: Readonly<Record<string, string | undefined>>) {
    this.#prefix = prefix;
    this.#variables = variables;
  }

  /** The name of the variable of a secret: `ORDERS_PRODUCTION_CLIENT_SECRET`. */
  variable(path: string): string {
    return variableName(`${this.#prefix}.${path}`);
  }

  /** The secret, if its variable is set. */
  read(path: string): string | undefined {
    return this.#variables[this.variable(path)] || undefined;
  }
}

/**
 * Takes secrets from environment variables that are named after their paths.
 * @param prefix such as the API's name: `environment("orders")` reads `ORDERS_PRODUCTION_CLIENT_SECRET`.
 * @example
 * ```ts
 * const { production } = fromApiDefinition(text, { secrets: environment("orders") });
 * ```
 */
export function environment(
  prefix: string,
  variables: Readonly<Record<string, string | undefined>> = process.env,
): EnvironmentSecrets {
  return new EnvironmentSecrets(prefix, variables);
}

/** `orders.production.clientSecret` as the name of an environment variable. */
export function variableName(path: string): string {
  return path
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_|_$/g, "")
    .toUpperCase();
}

/** Finds the secrets of one file. */
export class SecretFinder {
  readonly #given: ImportSecrets | undefined;

  constructor(given: ImportSecrets | undefined) {
    this.#given = given;
  }

  /**
   * The secret at a place in the file: the one that the caller gives, else the file's. What neither has
   * is a problem of the report.
   * @param path what the caller calls it: `production.clientSecret`.
   */
  find(place: Cursor, path: string): Secret | undefined {
    const given = this.#ask(path);
    if (given !== undefined) {
      place.carried(`is the secret "${path}" that was given`);
      return within(place.value, given);
    }
    const reason = whyNotUsable(place.value);
    if (reason === undefined) {
      if (place.report.isFilledIn(place.path)) place.carried("comes from an environment variable");
      else
        place.changed(
          "was in the file as plain text, and is taken from there: better give it apart",
        );
      return String(place.value).trim();
    }
    place.report.problems.push({ path, problem: reason, fix: this.#fix(path) });
    return undefined;
  }

  /** The same for what can't be a function, since it becomes a part of something. */
  value(place: Cursor, path: string): string | undefined {
    const secret = this.find(place, path);
    if (typeof secret !== "function") return secret;
    const fix = "give the value itself: here a function is never called";
    place.report.problems.push({ path, problem: "is a function", fix });
    return undefined;
  }

  /** What is no secret, and may be kept in a secret store all the same. */
  text(place: Cursor, path: string): string {
    const text = place.text();
    if (text === undefined || whyNotUsable(text) !== undefined)
      return this.value(place, path) ?? "";
    place.carried(path.slice(path.indexOf(".") + 1));
    return text;
  }

  #ask(path: string): Secret | undefined {
    const given = this.#given;
    if (given === undefined) return undefined;
    if (given instanceof EnvironmentSecrets) return given.read(path);
    const secret = typeof given === "function" ? given(path) : own(given, path);
    return secret === "" ? undefined : secret;
  }

  #fix(path: string): string {
    const given = this.#given;
    if (given instanceof EnvironmentSecrets) return `set ${given.variable(path)}`;
    return `give it as secrets["${path}"], or use environment(…), which reads …_${variableName(path)}`;
  }
}

const reference = /\{\{\s*secret\s+"([^"]*)"\s*\}\}/;

/** The secret, where the file has a reference to it with something around: `Bearer {{ secret "key" }}`. */
function within(value: unknown, secret: Secret): Secret {
  if (typeof value !== "string" || !reference.test(value)) return secret;
  const fill = (text: string) => value.trim().replace(reference, () => text);
  return typeof secret === "function" ? async () => fill(await secret()) : fill(secret);
}

function own(given: Readonly<Record<string, Secret | undefined>>, path: string) {
  return Object.hasOwn(given, path) ? given[path] : undefined;
}

/** Why a value of an export can't be used as a secret, or undefined. */
export function whyNotUsable(value: unknown): string | undefined {
  if (value === undefined || value === null) return "is missing in the file";
  if (typeof value !== "string") return typeof value === "number" ? undefined : "must be a string";
  const text = value.trim();
  if (text === "") return "is blank in the file";
  if (/^[*•]{3,}$/.test(text)) return "is masked in the file";
  const handle = reference.exec(text)?.[1];
  if (handle !== undefined) return `is the secret "${handle}" of the gateway's own store`;
  if (/^\$secret\{.*\}$/.test(text)) return "is in the gateway's own secure vault";
  if (/\$\{[^}]*\}/.test(text)) return "is a template that was not filled in";
  return isEncrypted(text) ? "is encrypted with a key of the gateway" : undefined;
}

/** Base64 of `{"c": ciphertext, "t": "RSA/…"}`. */
function isEncrypted(text: string): boolean {
  if (!/^[A-Za-z0-9+/=_-]{20,}$/.test(text)) return false;
  const value = tryJson(Buffer.from(text, "base64").toString("utf8"));
  return typeof value === "object" && value !== null && "c" in value && "t" in value;
}
