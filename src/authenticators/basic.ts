import type { KnownEndpoint } from "../endpoint/known-endpoint.ts";
import { ConfigurationError } from "../errors.ts";
import type { Authenticator, Headers } from "../http/authenticator.ts";

/**
 * Sends user name and password, as UTF-8.
 * @see https://www.rfc-editor.org/rfc/rfc7617
 */
export class BasicAuthenticator implements Authenticator {
  readonly known: KnownEndpoint;

  constructor(known: KnownEndpoint) {
    this.known = known;
  }

  async headers(): Promise<Headers> {
    const { username = "", password = "" } = await this.known.credentials(["username", "password"]);
    if (username.includes(":")) {
      throw new ConfigurationError({
        endpoint: this.known.label,
        problems: [
          {
            path: "username",
            problem: "holds a colon, which ends the user name on the wire",
            mend: "use a user name without one",
          },
        ],
      });
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
