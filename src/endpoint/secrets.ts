import { ConfigurationError, SecretUnavailableError } from "../errors.ts";
import { withDeadline } from "./deadline.ts";

/**
 * A credential: the value itself, or a function that reads it.
 *
 * A function may be async. It is asked anew at every token request (for `basic` and `api_key`
 * endpoints at every request), so a rotated secret is taken up without a restart.
 */
export type Secret = string | (() => string | Promise<string>);

/**
 * A client secret, or several while one takes the place of another, the new one first: the next is
 * tried when the token endpoint knows no such client (`invalid_client`), and the one that works is kept to.
 */
export type ClientSecret = Secret | readonly [Secret, ...Secret[]];

/** What is wrong with a credential's value, or undefined. The value itself is never told. */
export function secretMistake(
  value: unknown,
): { readonly problem: string; readonly mend: string } | undefined {
  if (typeof value !== "string") {
    return {
      problem: `is ${kindOf(value)}`,
      mend: "give a string, or a function that returns one",
    };
  }
  if (value.trim() === "")
    return { problem: "is empty", mend: "give the secret, or a function that reads it" };
  if (/^[*•]{3,}$/.test(value.trim())) {
    return {
      problem: "is masked (******), as an export shows it",
      mend: "put the real secret in its place",
    };
  }
  const template = unfilledTemplate(value);
  if (template !== undefined) return template;
  return undefined;
}

/** Finds `${…}` that nobody filled in. */
export function unfilledTemplate(
  value: string,
): { readonly problem: string; readonly mend: string } | undefined {
  return /\$\{[^}]*\}/.test(value)
    ? {
        problem: "holds a template left unfilled (${…})",
        mend: "fill it in before the configuration is used",
      }
    : undefined;
}

/** The kind of a value, in words that don't give the value away. */
export function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return `${/^[aeiou]/.test(typeof value) ? "an" : "a"} ${typeof value}`;
}

/** Reads a credential's value, now. */
export async function readSecret(
  field: string,
  secret: Secret,
  endpoint: string,
  timeoutMs: number,
): Promise<string> {
  if (typeof secret === "string") return secret;
  const value = await readWithDeadline(field, secret, endpoint, timeoutMs);
  const mistake = secretMistake(value);
  if (mistake !== undefined) {
    throw new ConfigurationError({ endpoint, problems: [{ path: `${field}()`, ...mistake }] });
  }
  return value;
}

/**
 * What a function given as a credential returns, now.
 * @param source what messages call it.
 */
export async function readWithDeadline<T>(
  field: string,
  read: () => T | Promise<T>,
  endpoint: string,
  timeoutMs: number,
  source?: "file",
): Promise<T> {
  return withDeadline(
    timeoutMs,
    async () => read(),
    () =>
      new SecretUnavailableError({
        endpoint,
        field,
        source,
        reason: `returned nothing within ${timeoutMs} ms`,
      }),
  ).catch((error: unknown) => {
    if (error instanceof SecretUnavailableError) throw error;
    // Neither message nor cause: what a vault's error holds is unknown, and may be secret.
    const reason = `${source === "file" ? "can't be read:" : "threw"} ${nameOf(error)}`;
    throw new SecretUnavailableError({ endpoint, field, source, reason });
  });
}

/** What an error is called, without what it says. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return kindOf(error);
  const code: unknown = Reflect.get(error, "code");
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{0,40}$/.test(code)
    ? `${plainName(error)} (${code})`
    : plainName(error);
}

function plainName(error: Error): string {
  return /^[A-Za-z][A-Za-z0-9]{0,60}$/.test(error.name) ? error.name : "an error";
}
