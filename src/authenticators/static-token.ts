import { headerValue } from "../checks/check.ts";
import type { BearerEndpoint } from "../configuration/parsed-endpoint.ts";
import type { NotReplayedReason } from "../errors.ts";
import type { Authenticator, CredentialHeaders, HeaderOptions } from "../http/authenticator.ts";
import { readCredentials } from "./static-credentials.ts";

/**
 * Sends a token of the configuration, which no token endpoint issues.
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 */
export class StaticTokenAuthenticator implements Authenticator {
  readonly endpoint: BearerEndpoint;

  constructor(endpoint: BearerEndpoint) {
    this.endpoint = endpoint;
  }

  async headers({ signal }: HeaderOptions): Promise<CredentialHeaders> {
    const { token: secret, headerName, headerPrefix } = this.endpoint;
    const checks = { token: headerValue };
    const { token } = await readCredentials(this.endpoint, { token: secret }, { checks, signal });
    return { [headerName]: headerPrefix === "" ? token : `${headerPrefix} ${token}` };
  }

  /** A replay would send the same token. */
  async challenged(): Promise<NotReplayedReason> {
    return "not_renewable";
  }
}
