import type { KnownEndpoint } from "../endpoint/known-endpoint.ts";
import { headerValue, Problems } from "../endpoint/problems.ts";
import { ConfigurationError } from "../errors.ts";
import type { Authenticator, HeaderOptions, Headers } from "../http/authenticator.ts";
import { abandonable } from "../tokens/abandonable.ts";

/** Sends a key in a header of its own. */
export class ApiKeyAuthenticator implements Authenticator {
  readonly known: KnownEndpoint;

  constructor(known: KnownEndpoint) {
    this.known = known;
  }

  async headers({ signal }: HeaderOptions): Promise<Headers> {
    const { apiKey = "" } = await abandonable(this.known.credentials(["apiKey"]), signal);
    const problems = new Problems();
    headerValue(apiKey, "apiKey()", problems);
    if (problems.list.length > 0) {
      throw new ConfigurationError({ endpoint: this.known.label, problems: problems.list });
    }
    return { [String(this.known.config.headerName)]: apiKey };
  }

  /** Nothing else could be sent. */
  async challenged(): Promise<boolean> {
    return false;
  }
}
