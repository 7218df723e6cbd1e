import { basicUserName } from "../endpoint/fields.ts";
import type { KnownEndpoint } from "../endpoint/known-endpoint.ts";
import { Problems } from "../endpoint/problems.ts";
import { ConfigurationError } from "../errors.ts";
import type { Authenticator, HeaderOptions, Headers } from "../http/authenticator.ts";
import { abandonable } from "../tokens/abandonable.ts";

/**
 * Sends user name and password, as UTF-8.
 * @see https://www.rfc-editor.org/rfc/rfc7617
 */
export class BasicAuthenticator implements Authenticator {
  readonly known: KnownEndpoint;

  constructor(known: KnownEndpoint) {
    this.known = known;
  }

  async headers({ signal }: HeaderOptions): Promise<Headers> {
    const { username = "", password = "" } = await abandonable(
      this.known.credentials(["username", "password"]),
      signal,
    );
    const problems = new Problems();
    basicUserName(username, "username()", problems);
    if (problems.list.length > 0) {
      throw new ConfigurationError({ endpoint: this.known.label, problems: problems.list });
    }
    return {
      Authorization: `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`,
    };
  }

  /** Nothing else could be sent. */
  async challenged(): Promise<boolean> {
    return false;
  }
}
