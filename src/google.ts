import { Readable } from "node:stream";
import type { BackendConfig } from "./configuration/endpoint-config.ts";
import type { GrantStrategy } from "./configuration/grant-strategy.ts";
import type { EndpointSecurity } from "./endpoint-security.ts";
import type { Fetch } from "./http/fetch-types.ts";

/** What is used of an `AuthClient` of google-auth-library. */
interface AuthClient {
  readonly quotaProjectId?: string | undefined;
  readonly transporter: { request(options: object): Promise<{ data: unknown }> };
  getAccessToken(): Promise<unknown>;
  getRequestHeaders(url?: string | URL): Promise<unknown>;
  request(options: object): Promise<unknown>;
}

/** What is used of the options of a request. */
interface RequestOptions {
  readonly headers?: ConstructorParameters<typeof Headers>[0];
}

/**
 * Makes an `AuthClient` of google-auth-library send the endpoint's credentials, to the endpoint's
 * `url` and below, and nowhere else. Give a `PassThroughClient`, which has none of its own; its
 * project, quota project and universe stay as they are.
 *
 * ```ts
 * const authClient = googleAuthClient(new PassThroughClient(), security, endpoint);
 * const auth = new GoogleAuth({ authClient });
 * ```
 *
 * `request` and `fetch` go through `wrapFetch`: a rejected token (401) is renewed and the request sent
 * replayed, if its body can be sent again. It uses the global fetch or the one that is given, never gaxios'
 * own: instead of `agent`, `proxy` and the environment's proxy there is the endpoint's `transport`.
 * Errors are gaxios' own; what kept a request from being sent is their `cause`. Headers that are for
 * one request (DPoP, Digest) come by `request` and `fetch` alone.
 *
 * @returns the same client
 * @throws ConfigurationError
 */
export function googleAuthClient<
  Client extends AuthClient,
  const Grants extends readonly GrantStrategy[],
>(
  client: Client,
  security: EndpointSecurity<Grants>,
  endpoint: BackendConfig<Grants[number]>,
  { fetch }: { readonly fetch?: Fetch | undefined } = {},
): Client {
  // A mistake shows here, and not with the first request.
  const fetchImplementation = security.wrapFetch(endpoint, { fetch });
  const open = security.accessTo(endpoint);
  const withProject = (headers: Headers): Headers => {
    const { quotaProjectId } = client;
    if (quotaProjectId && !headers.has("x-goog-user-project")) {
      headers.set("x-goog-user-project", quotaProjectId);
    }
    return headers;
  };
  return Object.assign(client, {
    getAccessToken: async () => ({ token: (await security.getToken(endpoint)).accessToken }),
    getRequestHeaders: async (url?: string | URL) => {
      // Who says where they are for gets them for nowhere else.
      if (url !== undefined) open().destination.resolve(String(url));
      return withProject(new Headers(await security.getAuthHeaders(endpoint)));
    },
    request: async ({ headers, ...options }: RequestOptions) => {
      const response = await client.transporter.request({
        ...options,
        headers: withProject(new Headers(headers)),
        fetchImplementation,
      });
      // Who asks gaxios for a stream expects one of Node's.
      const { data } = response;
      if (data instanceof ReadableStream) response.data = Readable.fromWeb(data);
      return response;
    },
  });
}
