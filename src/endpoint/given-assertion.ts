import { ConfigurationError } from "../errors.ts";
import { kindOf, readWithDeadline, secretMistake } from "./secrets.ts";

/**
 * An assertion that somebody else made for the client, such as a cluster for its workloads.
 * @see https://www.rfc-editor.org/rfc/rfc7523#section-2.2
 */
export interface GivenAssertion {
  /** Whom it is about: the same for each assertion in the row. */
  readonly identity: string;
  /** The assertion, read anew each time but the first, for which it was read just now. */
  read(): Promise<string>;
}

type Fields = Readonly<Record<string, unknown>>;

/** Where the configuration names one, an assertion that is read now. */
export async function givenAssertion(
  config: Fields,
  endpoint: string,
  timeoutMs: number,
): Promise<GivenAssertion | undefined> {
  const { clientAssertion, clientAssertionFile } = config;
  const isFile = typeof clientAssertionFile === "string";
  if (!isFile && typeof clientAssertion !== "function") return undefined;
  const field = isFile ? "clientAssertionFile" : "clientAssertion";
  const readNow = async () => {
    const value: unknown = isFile
      ? await readWithDeadline(
          field,
          () => contentOf(clientAssertionFile),
          endpoint,
          timeoutMs,
          "file",
        )
      : await readWithDeadline(field, clientAssertion as () => unknown, endpoint, timeoutMs);
    const mistake = mistakeIn(value);
    if (mistake === undefined) return String(value);
    const path = isFile ? field : `${field}()`;
    throw new ConfigurationError({ endpoint, problems: [{ path, ...mistake }] });
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

async function contentOf(path: string): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  return (await readFile(path, "utf8")).trim();
}

function mistakeIn(value: unknown) {
  const mistake = secretMistake(value);
  if (mistake !== undefined) return mistake;
  return /^[\x21-\x7e]+$/.test(String(value))
    ? undefined
    : { problem: `is ${kindOf(value)} that no JWT can be`, mend: "give the JWT alone" };
}

/**
 * Assertions come anew all the time, each about the same subject. The token is the client's, which
 * has an identity by its id; so nothing more of the assertion needs to be in it.
 */
function subjectOf(assertion: string): string {
  try {
    const [, payload = ""] = assertion.split(".");
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const { iss, sub, aud } = claims as Readonly<Record<string, unknown>>;
    if (iss !== undefined && sub !== undefined) return JSON.stringify({ iss, sub, aud });
  } catch {
    // No JWT that can be read here: then each is another.
  }
  return JSON.stringify(assertion);
}
