import { asText, type MockedConfig, type MockedResponse, mockedRoutes } from "./mocked-response.ts";

/** What is used of msw's `http`. */
export interface MswHttp<Handler> {
  get(url: string, resolver: (info: { request: Request }) => Promise<Response>): Handler;
  post(url: string, resolver: (info: { request: Request }) => Promise<Response>): Handler;
}

/**
 * Handlers for msw that mock the token endpoint of a configuration, and its issuer's metadata where it has an
 * `issuer`.
 * @param http of msw 2.
 * @param response by default a token, `test-token`.
 * @example
 * ```ts
 * const server = setupServer(...tokenEndpointHandlers(http, orders));
 * ```
 */
export function tokenEndpointHandlers<Handler>(
  http: MswHttp<Handler>,
  config: MockedConfig,
  response: MockedResponse = {},
): Handler[] {
  return mockedRoutes(config, response).routes.map(({ method, url, respond }) => {
    const add = method === "GET" ? http.get : http.post;
    return add(url.href, async ({ request }) => {
      const mocked = respond(Object.fromEntries(request.headers), await request.clone().text());
      const { text, headers } = asText(mocked);
      return new Response(text, { status: mocked.status, headers });
    });
  });
}
