import { ConfigurationError, isEndpointSecurityError } from "../../errors.ts";
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
  if (!isEndpointSecurityError(error)) return failed(messagesOf(error));
  const { message, endpoint = "" } = error;
  const text = message.startsWith(`${endpoint}: `) ? message.slice(endpoint.length + 2) : message;
  return failedWith(text);
}

/** `what is wrong; what to do` as a finding. */
export function failedWith(text: string): Finding {
  // What a server said is quoted, and may hold any character.
  const quoted = / responded \d+ "/.test(text) ? text.lastIndexOf('"; ') + 1 : 0;
  const end = text.indexOf("; ", quoted);
  return end < 0 ? failed(text) : failed(text.slice(0, end), text.slice(end + 2));
}

/** fetch fails with "fetch failed", and says why in the causes. */
export function messagesOf(error: unknown): string {
  const messages: string[] = [];
  for (let one: unknown = error; one instanceof Error && messages.length < 5; one = one.cause) {
    const code: unknown = Reflect.get(one, "code");
    messages.push(one.message || String(code ?? one.name));
  }
  return messages.length === 0 ? "an unknown error" : [...new Set(messages)].join(": ");
}
