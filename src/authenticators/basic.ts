import { basicUserName } from "../configuration/basic-fields.ts";
import type { BasicEndpoint } from "../configuration/parsed-endpoint.ts";
import type { NotReplayedReason } from "../errors.ts";
import type { Authenticator, CredentialHeaders, HeaderOptions } from "../http/authenticator.ts";
import { readCredentials } from "./static-credentials.ts";

/**
 * Sends user name and password, as UTF-8.
 * @see https://www.rfc-editor.org/rfc/rfc7617
 */
export class BasicAuthenticator implements Authenticator {
  readonly endpoint: BasicEndpoint;

  constructor(endpoint: BasicEndpoint) {
    this.endpoint = endpoint;
  }

  async headers({ signal }: HeaderOptions): Promise<CredentialHeaders> {
    const { username: name, password: secret } = this.endpoint;
    const { username, password } = await readCredentials(
      this.endpoint,
      { username: name, password: secret },
      { checks: { username: basicUserName }, signal },
    );
    return {
      Authorization: `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`,
    };
  }

  /** A replay would send the same credentials. */
  async challenged(): Promise<NotReplayedReason> {
    return "not_renewable";
  }
}
