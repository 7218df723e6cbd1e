import { type RecordedTokenRequest, recordedRequest } from "./recorded-request.ts";

/** What a mocked token endpoint responds with. */
export interface MockedResponse {
  /** @default 200 */
  readonly status?: number | undefined;
  /** An object is sent as JSON. @default a token, `test-token`, that lives for an hour */
  readonly body?: string | object | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The same with its defaults. */
interface CompleteResponse {
  readonly status: number;
  readonly body: string | object;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where the token requests of a configuration go: any configuration of an OAuth 2.0 endpoint. */
export interface MockedConfig {
  readonly type?: string | undefined;
  readonly tokenUrl?: string | undefined;
  readonly issuer?: string | undefined;
}

/** A mocked token endpoint. Made by {@link mockTokenEndpoint}. */
export interface MockedTokenEndpoint {
  /** Every token request so far, in the order of arrival. */
  readonly requests: readonly RecordedTokenRequest[];
}

/** One response of a mock, and for which URL. */
export interface MockedRoute {
  readonly method: "GET" | "POST";
  readonly url: URL;
  respond(headers: RecordedTokenRequest["headers"], body: string): CompleteResponse;
}

const token = { access_token: "test-token", token_type: "Bearer", expires_in: 3_600 };

/** The responses that a configuration needs: the token endpoint's, and its issuer's metadata. */
export function mockedRoutes(
  { tokenUrl, issuer }: MockedConfig,
  {
    status = 200,
    body = status < 400 ? token : { error: "invalid_request" },
    headers = {},
  }: MockedResponse,
): { readonly routes: readonly MockedRoute[]; readonly requests: RecordedTokenRequest[] } {
  const requests: RecordedTokenRequest[] = [];
  const base = issuer?.replace(/\/$/, "");
  const at = tokenUrl ?? (base === undefined ? undefined : `${base}/token`);
  if (at === undefined) throw new TypeError("the configuration has neither tokenUrl nor issuer");
  const tokenRoute: MockedRoute = {
    method: "POST",
    url: new URL(at),
    respond: (sent, text) => {
      requests.push(recordedRequest(sent, text));
      return { status, body, headers };
    },
  };
  if (base === undefined) return { routes: [tokenRoute], requests };
  const metadata: MockedRoute = {
    method: "GET",
    url: new URL(`${base}/.well-known/openid-configuration`),
    respond: () => ({ status: 200, body: { issuer, token_endpoint: at }, headers: {} }),
  };
  return { routes: [metadata, tokenRoute], requests };
}

/** A body as text, with its content type among the headers. */
export function asText({ body, headers }: CompleteResponse) {
  const isText = typeof body === "string";
  return {
    text: isText ? body : JSON.stringify(body),
    headers: { "content-type": isText ? "text/plain" : "application/json", ...headers },
  };
}
