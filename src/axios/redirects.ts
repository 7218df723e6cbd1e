import type { InternalAxiosRequestConfig } from "axios";
import type { CredentialHeaders, RequestLine } from "../http/authenticator.ts";
import type { Destination } from "../http/destination.ts";

type BeforeRedirect = NonNullable<InternalAxiosRequestConfig["beforeRedirect"]>;

/** What happens to the credentials where axios' http adapter follows a redirect. */
interface Guarded {
  readonly destination: Destination;
  /** The credentials of the request that is under way, for where it is redirected to. */
  credentials(request?: RequestLine): CredentialHeaders;
  /** Called when a redirect leads out of the endpoint. */
  leaves(to: string): void;
}

/** Redirects within the endpoint take the credentials along, all others leave them behind. */
export function guardedRedirect(
  callersOwn: BeforeRedirect | undefined,
  { destination, credentials, leaves }: Guarded,
): BeforeRedirect {
  let left = false;
  return (options, ...details) => {
    const { method, path, href } = options as Readonly<Record<"method" | "path" | "href", string>>;
    if (!left && !destination.covers(new URL(href))) {
      // A request that was sent away doesn't come back with credentials: another server wants it.
      left = true;
      leaves(href);
    }
    const headers: Record<string, string> = options.headers;
    const sent = credentials();
    const names = new Set(Object.keys(sent).map((name) => name.toLowerCase()));
    for (const name of Object.keys(headers)) {
      if (names.has(name.toLowerCase())) delete headers[name];
    }
    if (!left) Object.assign(headers, credentials({ method, url: href, target: path }));
    callersOwn?.(options, ...details);
  };
}
