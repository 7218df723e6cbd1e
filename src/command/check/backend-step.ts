import { isEndpointSecurityError } from "../../errors.ts";
import type { Explanation } from "../../explanation.ts";
import type { Fetch } from "../../http/fetch-types.ts";
import { schemesIn } from "../../http/other-scheme.ts";
import { failedWith, kindOfError } from "./error-finding.ts";
import { type Finding, failed, passed, warning } from "./step.ts";

interface Backend {
  readonly url: string;
  /** Sends the endpoint's credentials. */
  readonly fetch: Fetch;
  explain(): Explanation;
}

const timeoutMs = 10_000;

/** What the backend says to a GET with the endpoint's credentials. */
export async function checkBackend({ url, fetch, explain }: Backend): Promise<Finding> {
  const signal = AbortSignal.timeout(timeoutMs);
  let response: Response;
  try {
    response = await fetch(url, { redirect: "manual", signal });
  } catch (error) {
    if (isEndpointSecurityError(error)) throw error;
    return failed(
      `the backend can't be reached (${kindOfError(error)})`,
      "check url, and whether the backend runs",
    );
  }
  response.body?.cancel().catch(() => {});
  const { status } = response;
  if (status === 401) {
    const { challengeMismatch } = explain();
    if (challengeMismatch !== undefined) return failedWith(challengeMismatch.message);
    const schemes = schemesIn(response.headers.get("www-authenticate"));
    const asked = schemes.length === 0 ? "" : `, and asks for ${schemes.join(", ")}`;
    return failed(
      `the backend rejects the credentials (401)${asked}`,
      "check scope, audience and resource, and that the backend trusts this authorization server",
    );
  }
  if (status === 407) return failed("a proxy wants credentials (407)", "set transport.proxy");
  if (status === 403) {
    return warning(
      "the backend knows the credentials, and refuses this path (403)",
      "check scope and rights, or check another path with --path",
    );
  }
  if (status >= 500) {
    return warning(`the backend is in trouble (${status})`, "ask those who run it");
  }
  if (status >= 300 && status < 400) {
    return passed(`the backend redirects this path (${status}), credentials were not rejected`);
  }
  return passed(
    `${status}${status === 404 ? ": this path does not exist, and the credentials were not rejected" : ""}`,
  );
}
