import {
  asText,
  type MockedConfig,
  type MockedResponse,
  type MockedRoute,
  type MockedTokenEndpoint,
  mockedRoutes,
} from "./mocked-response.ts";
import type { RecordedTokenRequest } from "./recorded-request.ts";

type SentHeaders = RecordedTokenRequest["headers"];

/** What is used of nock. */
// biome-ignore lint/suspicious/noExplicitAny: nock's own types are overloaded, and differ between its versions.
export type NockLike = (origin: any) => any;

/** What is used of undici's `MockAgent`. */
export interface MockAgentLike {
  // biome-ignore lint/suspicious/noExplicitAny: whatever undici's version takes.
  get(origin: any): any;
}

/**
 * Mocks the token endpoint of a configuration, and its issuer's metadata where it has an `issuer`, until the
 * mocks are cleared (`nock.cleanAll()`).
 * @param mocks nock, or a `MockAgent` of undici.
 * @param response by default a token, `test-token`.
 * @returns the token requests that came
 * @example
 * ```ts
 * const { requests } = mockTokenEndpoint(nock, orders);
 * await client.order(42);
 * expect(requests[0]?.parameters.scope).toBe("orders.read");
 * ```
 */
export function mockTokenEndpoint(
  mocks: NockLike | MockAgentLike,
  config: MockedConfig,
  response: MockedResponse = {},
): MockedTokenEndpoint {
  const { routes, requests } = mockedRoutes(config, response);
  for (const route of routes) {
    if (typeof mocks === "function") withNock(mocks, route);
    else withMockAgent(mocks, route);
  }
  return { requests };
}

function withNock(nock: NockLike, { method, url, respond }: MockedRoute): void {
  const interceptor = nock(url.origin).persist().intercept(url.pathname, method).query(true);
  interceptor.reply(function (
    this: { req: { headers: SentHeaders } },
    _path: string,
    body: unknown,
  ) {
    const response = respond(lowerCased(this.req.headers), formOf(body));
    const { text, headers } = asText(response);
    return [response.status, text, headers];
  });
}

function withMockAgent(agent: MockAgentLike, { method, url, respond }: MockedRoute): void {
  const isHere = (path: string) => path.split("?", 1)[0] === url.pathname;
  agent
    .get(url.origin)
    .intercept({ path: isHere, method })
    .reply((sent: { headers: unknown; body?: unknown }) => {
      const response = respond(headersIn(sent.headers), String(sent.body ?? ""));
      const { text, headers } = asText(response);
      return { statusCode: response.status, data: text, responseOptions: { headers } };
    })
    .persist();
}

/** nock parses form bodies. */
function formOf(body: unknown): string {
  if (typeof body === "string") return body;
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(Object(body))) {
    for (const one of [value].flat()) form.append(name, String(one));
  }
  return form.toString();
}

function headersIn(headers: unknown): SentHeaders {
  if (headers instanceof Headers) return Object.fromEntries(headers);
  if (!Array.isArray(headers)) return lowerCased(Object(headers));
  const pairs = headers.flatMap((name, index) =>
    index % 2 === 0 ? [[String(name).toLowerCase(), String(headers[index + 1])]] : [],
  );
  return Object.fromEntries(pairs);
}

function lowerCased(headers: SentHeaders): SentHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) && value.length === 1 ? value[0] : value,
    ]),
  );
}
