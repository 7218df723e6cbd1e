import nock from "nock";
import { onTestFinished } from "vitest";

/** A token request as it arrived. */
export interface SeenRequest {
  readonly body: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * A token endpoint on nock for one test: every request gets a token of its own, `token-1` first.
 * Anything else on the network is refused.
 */
export function mockTokenEndpoint(tokenUrl = "https://idp.test/token"): readonly SeenRequest[] {
  const { origin, pathname } = new URL(tokenUrl);
  const requests: SeenRequest[] = [];
  // Another file of tests in the same process may have put the network back.
  if (!nock.isActive()) nock.activate();
  nock.disableNetConnect();
  nock(origin)
    .persist()
    .post(pathname)
    .reply(200, function (_path, body) {
      requests.push({ body: new URLSearchParams(String(body)), headers: this.req.headers });
      return { access_token: `token-${requests.length}`, token_type: "Bearer", expires_in: 3600 };
    });
  onTestFinished(() => {
    nock.cleanAll();
    nock.enableNetConnect();
    nock.restore();
  });
  return requests;
}

/** What most tests describe; each changes what it is about. */
export const orders = {
  grantType: "client_credentials",
  tokenUrl: "https://idp.test/token",
  clientId: "checkout",
  clientSecret: "checkout-secret",
} as const;
