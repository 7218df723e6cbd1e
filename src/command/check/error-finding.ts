import { errorCodeOf } from "../../checks/error-code.ts";
import { ConfigurationError, isEndpointSecurityError, withoutEndpoint } from "../../errors.ts";
import { type Finding, failed } from "./step.ts";

/**
 * What an error of the library says, as a finding. Its messages are `what is wrong; what to do`, after the
 * name of the endpoint.
 */
export function findingOf(error: unknown): Finding {
  if (error instanceof ConfigurationError) {
    const { problems } = error;
    const [first] = problems;
    if (first !== undefined && problems.length === 1) {
      return failed(`${first.path} ${first.problem}`, first.fix);
    }
    return { status: "failed", message: `${problems.length} problems`, problems };
  }
  if (!isEndpointSecurityError(error)) return failed(kindOfError(error));
  return failedWith(withoutEndpoint(error));
}

/** `what is wrong; what to do` as a finding. */
export function failedWith(text: string): Finding {
  // What a server said is quoted, and may hold any character.
  const quoted = / responded \d+ "/.test(text) ? text.lastIndexOf('"; ') + 1 : 0;
  const end = text.indexOf("; ", quoted);
  return end < 0 ? failed(text) : failed(text.slice(0, end), text.slice(end + 2));
}

/** What kind of error it is: fetch says that in the causes. A message may quote a URL with a key in it. */
export function kindOfError(error: unknown): string {
  const kinds: string[] = [];
  for (let one: unknown = error; one instanceof Error && kinds.length < 5; one = one.cause) {
    kinds.push(errorCodeOf(one) ?? one.name);
  }
  return kinds.at(-1) ?? "an unknown error";
}
