import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { listen, respond } from "../servers/http-server.ts";

interface TokenRequest {
  headers: IncomingHttpHeaders;
  form: URLSearchParams;
  rawBody: string;
}

/** `count` is 1 for the first request. */
type Answer = (res: ServerResponse, count: number, request: TokenRequest) => void | Promise<void>;

export interface TokenEndpoint {
  readonly tokenUrl: string;
  readonly requests: readonly TokenRequest[];
  /** How requests are answered from now on. */
  answer(how: Answer): void;
  /** Resolves once so many requests have arrived. */
  arrived(count: number): Promise<void>;
}

/**
 * A token endpoint that answers as the test says: `token-1`, `token-2`, … unless told otherwise.
 * Closed when the test is over.
 */
export async function startTokenEndpoint(
  how: Answer = (res, n) => issue(res, `token-${n}`),
): Promise<TokenEndpoint> {
  const requests: TokenRequest[] = [];
  let waiting: { count: number; tell: () => void }[] = [];
  let answer = how;
  const server = await listen(async (req, res) => {
    const rawBody = await text(req);
    const request = { headers: req.headers, form: new URLSearchParams(rawBody), rawBody };
    const count = requests.push(request);
    for (const { tell } of waiting.filter((one) => one.count <= count)) tell();
    waiting = waiting.filter((one) => one.count > count);
    await answer(res, count, request);
  });
  onTestFinished(server.close);
  return {
    tokenUrl: `${server.origin}/token`,
    requests,
    answer: (next) => {
      answer = next;
    },
    arrived: (count) =>
      requests.length >= count
        ? Promise.resolve()
        : new Promise((tell) => waiting.push({ count, tell })),
  };
}

export function issue(res: ServerResponse, accessToken: string, more: object = {}): void {
  respond(res, 200, { access_token: accessToken, token_type: "Bearer", expires_in: 3600, ...more });
}

/** An endpoint of the client "checkout", with anything else a test wants. */
export function checkout<const More extends object = object>(tokenUrl: string, more?: More) {
  return {
    name: "orders",
    url: "https://orders.example.test/v1",
    grantType: "client_credentials" as const,
    tokenUrl,
    clientId: "checkout",
    clientSecret: "checkout-secret",
    ...(more as More),
  };
}

/** The same, with one attempt a token request, and none kept off by a failure before it. */
export function checkoutOnce<const More extends object = object>(tokenUrl: string, more?: More) {
  const { tokenRequest } = (more ?? {}) as { readonly tokenRequest?: object };
  const once = { retries: 0, coolDownMs: 0, ...tokenRequest };
  return checkout(tokenUrl, { ...(more as More), tokenRequest: once });
}

/** The same for a user, by the password grant. */
export function checkoutFor<const More extends object = object>(tokenUrl: string, more?: More) {
  return {
    ...checkout(tokenUrl),
    grantType: "password" as const,
    username: "svc",
    password: "svc-password",
    ...(more as More),
  };
}
