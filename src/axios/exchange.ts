import axios, {
  type AxiosAdapter,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from "axios";
import type { CredentialHeaders } from "../http/authenticator.ts";
import type { BackendAccess } from "../http/authorised-fetch.ts";
import { bodyBytes } from "../http/body-bytes.ts";
import { withCookie } from "../http/credential-headers.ts";
import { type Destination, isAbsolute } from "../http/destination.ts";
import { discardBody } from "../http/discard-body.ts";
import { sendAuthorised } from "../http/replay.ts";
import { type Answer, answerOf, answerTo } from "./answer.ts";
import { deadlineOf, timeoutMessage } from "./deadline.ts";
import { followed } from "./follow.ts";
import { guardedRedirect } from "./redirects.ts";

type Config = InternalAxiosRequestConfig;

/**
 * Sends one request of axios, twice if it is replayed. The adapter gets a copy of the config: a request
 * that the caller sends again with its own config starts from the beginning.
 */
export async function exchange(
  config: Config,
  adapter: AxiosAdapter,
  isFetch: boolean,
  access: BackendAccess,
): Promise<AxiosResponse> {
  // A proof is for one URL and takes time to sign: axios would take the old one along.
  const { provesEachRequest, inUrl } = access.authenticator;
  if ((provesEachRequest === true || inUrl !== undefined) && !isFetch) {
    const send = (one: Config) => exchangeOnce(one, adapter, isFetch, access);
    const urlOf = (one: Config) => sentUrl(one, access.destination);
    return followed(config, send, urlOf, adapter, access);
  }
  return answerOf(await exchangeOnce(config, adapter, isFetch, access));
}

async function exchangeOnce(
  config: Config,
  adapter: AxiosAdapter,
  isFetch: boolean,
  access: BackendAccess,
): Promise<Answer> {
  const { authenticator, destination, rejected, accepted, hasAccepted, left, route } = access;
  const resolved = destination.resolve(fullUrl(config, destination));
  destination.checkHost(config.headers?.get?.("host"));
  const timeoutMs = config.timeout || access.timeoutMs || 0;
  const deadline = deadlineOf(config, timeoutMs);
  let credentials: CredentialHeaders = {};
  let leftFor: string | undefined;
  const beforeRedirect = guardedRedirect(config.beforeRedirect, {
    destination,
    credentials: (request) =>
      request === undefined
        ? credentials
        : (authenticator.redirected?.(credentials, request) ?? credentials),
    leaves: (to) => {
      leftFor = to;
    },
  });
  try {
    // Tokens may be bound to the certificate that is shown.
    if (route !== undefined) await route.transport();
    const answer = await sendAuthorised<Answer>(authenticator, {
      options: {
        // Read by those alone whose credentials are for one request.
        get request() {
          const url = new URL(resolved);
          const target = targetOf(url, config);
          return {
            method: (config.method ?? "get").toUpperCase(),
            url: url.origin + target,
            target: isFetch ? undefined : target,
          };
        },
        signal: deadline.signal,
        isWrapped: true,
        isReplayable: () => !isStream(config.data),
        body: () => bodyBytes(config.data),
      },
      send: async (headers) => {
        credentials = headers;
        deadline.signal?.throwIfAborted();
        const { inUrl } = authenticator;
        const url = inUrl === undefined ? resolved : await inUrl.addTo(resolved, deadline.signal);
        const copy = copyOf(config, url, headers);
        copy.beforeRedirect = beforeRedirect;
        if (timeoutMs > 0) {
          copy.timeout = Math.ceil(deadline.leftMs());
          copy.timeoutErrorMessage = timeoutMessage(config, timeoutMs);
        }
        if (route !== undefined && isFetch) {
          copy.fetchOptions = { ...copy.fetchOptions, dispatcher: await route.dispatcher() };
        }
        return answerTo(config, adapter(copy));
      },
      status: ({ response }) => response.status,
      // An adapter of a test's own may answer without headers.
      header: ({ response }, name) =>
        textOf(response.headers?.[name], name === "set-cookie" ? "\n" : ", "),
      again: async ({ response }) => {
        const replayable = !isStream(config.data);
        // The certificate may be the reason for the rejection.
        if (replayable) await route?.transport({ isOld: true });
        // With responseType "stream" nobody else would read it to its end.
        if (replayable && isStream(response.data)) discardBody(response.data);
        return replayable;
      },
      rejected,
      accepted,
      hasAccepted,
    });
    if (leftFor !== undefined) {
      left({ from: resolved, to: leftFor, status: answer.response.status });
    }
    return answer;
  } finally {
    deadline.end();
  }
}

/** What the adapter gets: the URL that was checked, whole, and the credentials. */
function copyOf(config: Config, url: string, credentials: CredentialHeaders): Config {
  // As they are: the instance may be of another copy of axios (by require), whose headers this one would drop.
  const headers = Object.assign(new axios.AxiosHeaders(), config.headers);
  const cookie = headers.get("cookie");
  const own = withCookie(typeof cookie === "string" ? cookie : undefined, credentials);
  for (const [name, value] of Object.entries(own)) headers.set(name, value, true);
  const { auth, baseURL: _, allowAbsoluteUrls: __, ...others } = config;
  // fetch would take a header of our own along to anywhere.
  const redirect = config.fetchOptions?.redirect === "error" ? "error" : "manual";
  const fetchOptions = { ...config.fetchOptions, redirect } as const;
  const copy: Config = Object.assign(others, { headers, url, fetchOptions });
  // A user name and password of axios' own would replace the endpoint's credentials.
  if (auth && !hasAuthorization(credentials)) copy.auth = auth;
  return copy;
}

function hasAuthorization(credentials: CredentialHeaders): boolean {
  return Object.keys(credentials).some((name) => name.toLowerCase() === "authorization");
}

/** Path and query, as axios' http adapter writes them. */
function targetOf({ pathname, search }: URL, config: Config): string {
  const { params, paramsSerializer } = config;
  const target = pathname + search;
  if (!params) return target;
  return axios.getUri({
    url: target,
    baseURL: "",
    params,
    ...(paramsSerializer && { paramsSerializer }),
  });
}

/** The URL of a request, whole. */
function sentUrl(config: Config, destination: Destination): string {
  const url = new URL(destination.resolve(fullUrl(config, destination)));
  return url.origin + targetOf(url, config);
}

/** The URL as axios puts it together, but for `params`. */
function fullUrl(
  { baseURL, url = "", allowAbsoluteUrls }: Config,
  destination: Destination,
): string {
  const base = baseURL ?? destination.prefix;
  if (!base || (isAbsolute(url) && allowAbsoluteUrls !== false)) return url;
  return url ? `${base.replace(/\/?\/$/, "")}/${url.replace(/^\/+/, "")}` : base;
}

function textOf(header: unknown, separator: string): string | null {
  if (Array.isArray(header)) return header.join(separator);
  return typeof header === "string" ? header : null;
}

function isStream(data: unknown): boolean {
  if (typeof data !== "object" || data === null) return false;
  return "pipe" in data || "getReader" in data;
}
