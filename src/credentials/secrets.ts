import { errorCodeOf } from "../checks/error-code.ts";
import { kindOf } from "../checks/kinds.ts";
import { secretMistake } from "../checks/secret-mistake.ts";
import { ConfigurationError, SecretUnavailableError } from "../errors.ts";
import { withDeadline } from "../waiting/deadline.ts";

/**
 * A credential: the value itself, or a function that reads it.
 *
 * A function may be async. It is called for every token request (for `basic`, `digest`, `api_key` and
 * `bearer` endpoints for every request), so a rotated secret needs no restart.
 */
export type Secret = string | (() => string | Promise<string>);

/**
 * A client secret, or a list while the secret is rotated, the new one first. If the token endpoint
 * responds `invalid_client`, the next one is tried; the one that works is used from then on.
 */
export type ClientSecret = Secret | readonly [Secret, ...Secret[]];

/** For whom a credential is read, and how long that may take. */
export interface SecretReader {
  readonly endpoint: string;
  readonly timeoutMs: number;
}

/** The values of credentials, by their names; functions are called now. */
export async function readSecrets<Name extends string>(
  secrets: Readonly<Record<Name, Secret | undefined>>,
  { endpoint, timeoutMs }: SecretReader,
): Promise<Readonly<Record<Name, string>>> {
  const values = await Promise.all(
    Object.entries<Secret | undefined>(secrets).map(
      async ([name, secret]): Promise<readonly [string, string][]> =>
        secret === undefined ? [] : [[name, await readSecret(name, secret, endpoint, timeoutMs)]],
    ),
  );
  return Object.fromEntries(values.flat()) as Record<Name, string>;
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
  const mistake = mistakeReturned(value);
  if (mistake !== undefined) {
    throw ConfigurationError.of({ path: `${field}()`, ...mistake }, endpoint);
  }
  return value;
}

function mistakeReturned(value: unknown) {
  const isNothing = value === undefined || value === null || value === "";
  if (!isNothing) return secretMistake(value);
  const shown = value === "" ? "an empty string" : String(value);
  return { problem: `returned ${shown}`, fix: "is its environment variable set?" };
}

/**
 * Calls a function that returns a credential.
 * @param source the file that it reads, for messages.
 */
export async function readWithDeadline<T>(
  field: string,
  read: () => T | Promise<T>,
  endpoint: string,
  timeoutMs: number,
  source?: { readonly file: string },
): Promise<T> {
  return withDeadline(
    timeoutMs,
    async () => read(),
    () =>
      new SecretUnavailableError({
        endpoint,
        field,
        file: source?.file,
        reason: `returned nothing within ${timeoutMs} ms`,
      }),
  ).catch((error: unknown) => {
    if (error instanceof SecretUnavailableError) throw error;
    // Neither message nor cause: what a vault's error holds is unknown, and may be secret.
    const reason = `${source === undefined ? "threw" : "can't be read:"} ${nameOf(error)}`;
    throw new SecretUnavailableError({ endpoint, field, file: source?.file, reason });
  });
}

/** The name and code of an error, without its message. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return kindOf(error);
  const code = errorCodeOf(error);
  return code === undefined ? plainName(error) : `${plainName(error)} (${code})`;
}

function plainName(error: Error): string {
  return /^[A-Za-z][A-Za-z0-9]{0,60}$/.test(error.name) ? error.name : "an error";
}
