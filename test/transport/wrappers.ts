import axios, { isAxiosError } from "axios";
import type { EndpointConfig, EndpointSecurity } from "endpoint-security";
import { wrapAxios } from "endpoint-security/axios";
import { authInterceptor } from "endpoint-security/undici";
import { Agent, request } from "undici";
import { onTestFinished } from "vitest";

type Wrapped = EndpointConfig & { readonly url: string };

/** Sends a GET to a path of the endpoint's, and reads the answer. */
export type Get = (path: string) => Promise<{ status: number; text: string }>;

/** Each way to send requests to an endpoint. */
export const wrappers: readonly (readonly [
  name: string,
  wrap: (security: EndpointSecurity, endpoint: Wrapped) => Get,
])[] = [
  [
    "wrapFetch",
    (security, endpoint) => {
      const wrapped = security.wrapFetch(endpoint);
      return async (path) => {
        const response = await wrapped(path);
        return { status: response.status, text: await response.text() };
      };
    },
  ],
  [
    "wrapAxios",
    (security, endpoint) => {
      const client = axios.create({ responseType: "text", transformResponse: (data) => data });
      wrapAxios(client, security, endpoint);
      return async (path) => {
        const { status, data } = await client.get(path, { validateStatus: () => true });
        return { status, text: data };
      };
    },
  ],
  [
    "authInterceptor",
    (security, endpoint) => {
      const agent = new Agent();
      onTestFinished(() => agent.destroy());
      const dispatcher = agent.compose(authInterceptor(security, endpoint));
      return async (path) => {
        const { statusCode, body } = await request(endpoint.url + path, { dispatcher });
        return { status: statusCode, text: await body.text() };
      };
    },
  ],
];

/** What went wrong, and why, and why that: every error in a row. */
async function causesOf(call: Promise<unknown>): Promise<readonly unknown[]> {
  const causes: unknown[] = [];
  let error = await call.then(
    () => {
      throw new Error("expected a failure");
    },
    (reason: unknown) => reason,
  );
  while (error !== undefined && error !== null && causes.length < 10) {
    causes.push(error);
    error = isAxiosError(error) && error.cause === error ? undefined : causeOf(error);
  }
  return causes;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error || error instanceof DOMException
    ? (error as { cause?: unknown }).cause
    : undefined;
}

/** The codes of all of them, such as `UND_ERR_CONNECT_TIMEOUT`. */
export async function codesOf(call: Promise<unknown>): Promise<readonly unknown[]> {
  const causes = await causesOf(call);
  return causes.flatMap((error) => {
    const { code, name } = error as { code?: unknown; name?: unknown };
    return [code, name].filter((said) => typeof said === "string");
  });
}
