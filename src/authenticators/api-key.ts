import { type Check, headerValue } from "../checks/check.ts";
import { type ApiKeyEndpoint, labelOf } from "../configuration/parsed-endpoint.ts";
import { ConfigurationError, type NotReplayedReason } from "../errors.ts";
import type {
  Authenticator,
  CredentialHeaders,
  CredentialsInUrl,
  HeaderOptions,
} from "../http/authenticator.ts";
import { readCredentials } from "./static-credentials.ts";

/** Sends a key in a header of its own, or in the URL's query. */
export class ApiKeyAuthenticator implements Authenticator {
  readonly endpoint: ApiKeyEndpoint;
  readonly inUrl: CredentialsInUrl | undefined;

  constructor(endpoint: ApiKeyEndpoint) {
    this.endpoint = endpoint;
    const { queryParameter } = endpoint;
    this.inUrl = queryParameter === undefined ? undefined : this.#inQuery(queryParameter);
  }

  async headers({ signal, isWrapped }: HeaderOptions): Promise<CredentialHeaders> {
    const { headerName } = this.endpoint;
    if (headerName !== undefined) return { [headerName]: await this.#key(headerValue, signal) };
    if (isWrapped === true) return {};
    const problem = "puts the key into the URL, which only the wrappers can do";
    const fix = "use a wrapper, such as wrapFetch, or set headerName instead";
    throw ConfigurationError.of({ path: "queryParameter", problem, fix }, labelOf(this.endpoint));
  }

  /** A parameter of the same name in the request's own URL is replaced. */
  #inQuery(name: string): CredentialsInUrl {
    return {
      addTo: async (url, signal) => {
        const target = new URL(url);
        target.searchParams.set(name, await this.#key(undefined, signal));
        return target.href;
      },
      removeFrom: (url) => {
        const target = new URL(url);
        if (!target.searchParams.has(name)) return url;
        target.searchParams.delete(name);
        return target.href;
      },
    };
  }

  async #key(check: Check | undefined, signal: AbortSignal | undefined): Promise<string> {
    const checks = check === undefined ? {} : { apiKey: check };
    const { apiKey } = this.endpoint;
    return (await readCredentials(this.endpoint, { apiKey }, { checks, signal })).apiKey;
  }

  /** A replay would send the same key. */
  async challenged(): Promise<NotReplayedReason> {
    return "not_renewable";
  }
}
