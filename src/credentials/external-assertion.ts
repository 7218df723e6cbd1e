import { secretMistake } from "../checks/secret-mistake.ts";
import { ConfigurationError } from "../errors.ts";
import type { FileReads } from "./file-reads.ts";
import { readWithDeadline, type SecretReader } from "./secrets.ts";

/**
 * An assertion that another party made for the client, such as a cluster for its workloads.
 * @see https://www.rfc-editor.org/rfc/rfc7523#section-2.2
 */
export interface ExternalAssertion {
  /** What it is about: the same text for every assertion about the same subject. */
  readonly identity: string;
  /** The current assertion. The first call returns the one that was just read; later calls read it again. */
  read(): Promise<string>;
}

interface AssertionFields {
  readonly clientAssertion?: (() => string | Promise<string>) | undefined;
  readonly clientAssertionFile?: string | undefined;
}

/** Reads the assertion, where the configuration names one. */
export async function externalAssertion(
  { clientAssertion, clientAssertionFile: file }: AssertionFields,
  files: FileReads,
  { endpoint, timeoutMs }: SecretReader,
): Promise<ExternalAssertion | undefined> {
  const field = file === undefined ? "clientAssertion" : "clientAssertionFile";
  const source = file === undefined ? undefined : { file };
  const read = file === undefined ? clientAssertion : async () => (await files.read(file)).trim();
  if (read === undefined) return undefined;
  const readNow = async () => {
    const value: unknown = await readWithDeadline(field, read, endpoint, timeoutMs, source);
    const mistake = mistakeIn(value);
    if (mistake === undefined) return String(value);
    const path = file === undefined ? `${field}()` : field;
    throw ConfigurationError.of({ path, ...mistake }, endpoint);
  };
  let unused: string | undefined = await readNow();
  return {
    identity: subjectOf(unused),
    read: async () => {
      const first = unused;
      unused = undefined;
      return first ?? readNow();
    },
  };
}

function mistakeIn(value: unknown) {
  const mistake = secretMistake(value);
  if (mistake !== undefined) return mistake;
  return /^[\x21-\x7e]+$/.test(String(value))
    ? undefined
    : { problem: "must be a JWT", fix: "return the JWT only" };
}

/** Claims that are new in each assertion. */
const ofOneAssertion = ["exp", "iat", "nbf", "jti", "nonce", "auth_time"];

/**
 * Each assertion is new and about the same subject, so its lasting claims stand for it in the token's identity.
 */
function subjectOf(assertion: string): string {
  try {
    const [, payload = ""] = assertion.split(".");
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const { iss, sub, ...others } = claims as Readonly<Record<string, unknown>>;
    // Other lasting claims, such as a tenant, may lead to another token.
    const lasting = Object.entries(others)
      .filter(([name]) => !ofOneAssertion.includes(name))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    if (iss !== undefined && sub !== undefined) return JSON.stringify({ iss, sub, lasting });
  } catch {
    // Not a JWT that can be read here: each text counts as another subject.
  }
  return JSON.stringify(assertion);
}
