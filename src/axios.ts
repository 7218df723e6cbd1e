import axios, {
  type AxiosAdapter,
  AxiosHeaders,
  type AxiosResponse,
  getAdapter,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from "axios";
import type { EndpointConfig } from "./endpoint/config.ts";
import type { GrantStrategy } from "./endpoint/grant-strategy.ts";
import type { EndpointSecurity } from "./endpoint-security.ts";
import type { Headers, RequestLine } from "./http/authenticator.ts";
import type { Door } from "./http/authorised-fetch.ts";
import type { BackendRoute } from "./http/backend-route.ts";
import { bodyBytes } from "./http/body-bytes.ts";
import { type Destination, isAbsolute } from "./http/destination.ts";
import { sendAuthorised } from "./http/replay.ts";

/** What is used of an axios instance: told by shape, since axios' types differ between import and require. */
interface Instance {
  readonly interceptors: {
    readonly request: {
      use(
        fulfilled: <Config>(config: Config) => Config | Promise<Config>,
        rejected?: undefined,
        options?: { synchronous?: boolean },
      ): number;
      eject(id: number): void;
    };
  };
}

/** An axios response, and the error that axios made of it where the status isn't a good one. */
interface Answer {
  readonly response: AxiosResponse;
  readonly error?: unknown;
}

/**
 * Makes an axios instance send the endpoint's credentials, to the endpoint's `url` and below, and
 * nowhere else. Relative URLs are joined to `baseURL`, else to `url`. When the backend refuses a
 * token (401, or as `retryStatuses` says), it is renewed and the request sent once more, if its body
 * can be (a stream can't).
 *
 * It works beneath all interceptors: they run once for a request, and see what axios always shows
 * them. Errors are axios' own, and those of `getAuthHeader`, or a `DestinationRefusedError` for a
 * request to somewhere else. Through axios' fetch adapter, which endpoints with a `transport` take,
 * redirects aren't followed. The credentials are in no `config` of an answer or an error.
 *
 * @returns a function that takes it off the instance again
 * @throws ConfigurationError
 */
export function wrapAxios<const Grants extends readonly GrantStrategy[]>(
  instance: Instance,
  security: EndpointSecurity<Grants>,
  endpoint: EndpointConfig<Grants[number]> & { readonly url: string },
): () => void {
  const open = security.doorTo(endpoint);
  // A mistake shows here, and not with the first request.
  open();
  const wrapped = new WeakSet<AxiosAdapter>();
  const interceptor = instance.interceptors.request.use(
    (given) => {
      const config = given as InternalAxiosRequestConfig;
      const { adapter } = config;
      // A request sent again by its config (as retrying interceptors do) has it already.
      if (typeof adapter === "function" && wrapped.has(adapter)) return given;
      const authorised: AxiosAdapter = (last) => {
        const door = open();
        // undici's dispatcher is for fetch. An adapter of the user's own has a way of its own.
        const chosen = door.route && typeof adapter !== "function" ? "fetch" : adapter;
        return send(last, getAdapter(chosen, last), chosen === "fetch", door);
      };
      wrapped.add(authorised);
      config.adapter = authorised;
      return given;
    },
    undefined,
    { synchronous: true },
  );
  return () => instance.interceptors.request.eject(interceptor);
}

async function send(
  config: InternalAxiosRequestConfig,
  adapter: AxiosAdapter,
  isFetch: boolean,
  { authenticator, destination, refused, accepted, route, timeoutMs }: Door,
): Promise<AxiosResponse> {
  const resolved = destination.resolve(fullUrl(config));
  config.baseURL ??= destination.prefix;
  // The instance may be of another copy of axios (by require), whose headers this one would drop.
  if (!(config.headers instanceof AxiosHeaders)) {
    config.headers = AxiosHeaders.from({ ...(config.headers as AxiosHeaders).toJSON() } as never);
  }
  let credentials: Headers = {};
  guardRedirects(config, destination, (request) => {
    return request === undefined
      ? credentials
      : (authenticator.redirected?.(credentials, request) ?? credentials);
  });
  // A user name and password of axios' own would take the place of the endpoint's credentials.
  delete config.auth;
  config.timeout ||= timeoutMs ?? 0;
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
      signal: config.signal instanceof AbortSignal ? config.signal : undefined,
      isWrapped: true,
      body: () => bodyBytes(config.data),
    },
    send: (headers) => {
      credentials = headers;
      for (const [name, value] of Object.entries(headers)) config.headers.set(name, value, true);
      const sent = route && isFetch ? sendBy(route, adapter, config) : adapter(config);
      return sent.then(
        (response) => {
          takeOff(headers, config);
          return { response };
        },
        (error) => {
          takeOff(headers, config);
          return answerIn(error);
        },
      );
    },
    status: ({ response }) => response.status,
    header: ({ response }, name) => textOf(response.headers[name]),
    again: async ({ response }) => {
      const replayable = !isStream(config.data);
      // The certificate may be what was refused.
      if (replayable) await route?.transport({ isOld: true });
      // With responseType "stream" nobody else would read it to its end.
      if (replayable && isStream(response.data)) response.data.destroy?.();
      return replayable;
    },
    refused,
    accepted,
  });
  if (answer.error !== undefined) throw answer.error;
  return answer.response;
}

async function sendBy(
  route: BackendRoute,
  adapter: AxiosAdapter,
  config: InternalAxiosRequestConfig,
): Promise<AxiosResponse> {
  const { fetchOptions = {} } = config;
  const dispatcher = await route.dispatcher();
  try {
    config.fetchOptions = { ...fetchOptions, dispatcher };
    return await adapter(config);
  } finally {
    // Responses and errors hold the config, and whoever logs them would print a proxy's password.
    config.fetchOptions = fetchOptions;
  }
}

/** Responses and errors hold the config, and whoever logs them would print the credentials. */
function takeOff(credentials: Headers, { headers }: InternalAxiosRequestConfig): void {
  // By axios' own method: the caller may have written the name in another case.
  for (const name of Object.keys(credentials)) headers.delete(name);
}

/** Path and query, as axios' http adapter writes them. */
function targetOf({ pathname, search }: URL, config: InternalAxiosRequestConfig): string {
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

/** The URL as axios puts it together, but for `params`. */
function fullUrl({ baseURL, url = "", allowAbsoluteUrls }: InternalAxiosRequestConfig): string {
  if (!baseURL || (isAbsolute(url) && allowAbsoluteUrls !== false)) return url;
  return url ? `${baseURL.replace(/\/?\/$/, "")}/${url.replace(/^\/+/, "")}` : baseURL;
}

/** Redirects within the endpoint take the credentials along, all others leave them behind. */
function guardRedirects(
  config: InternalAxiosRequestConfig,
  destination: Destination,
  credentials: (request?: RequestLine) => Headers,
): void {
  const { beforeRedirect } = config;
  let left = false;
  config.beforeRedirect = (options, ...details) => {
    // Who was sent away does not come back with credentials: it is another server's wish.
    left ||= !destination.covers(new URL(String(options.href)));
    const headers: Record<string, string> = options.headers;
    const sent = credentials();
    const names = new Set(Object.keys(sent).map((name) => name.toLowerCase()));
    for (const name of Object.keys(headers)) {
      if (names.has(name.toLowerCase())) delete headers[name];
    }
    if (!left) {
      const { method, path, href } = options as Readonly<
        Record<"method" | "path" | "href", string>
      >;
      Object.assign(headers, credentials({ method, url: href, target: path }));
    }
    beforeRedirect?.(options, ...details);
  };
  // fetch would take a header of our own along to anywhere.
  const redirect = config.fetchOptions?.redirect === "error" ? "error" : "manual";
  config.fetchOptions = { ...config.fetchOptions, redirect };
}

function answerIn(error: unknown): Answer {
  if (isAxiosError(error) && error.response !== undefined) {
    return { response: error.response, error };
  }
  throw error;
}

function textOf(header: unknown): string | null {
  if (Array.isArray(header)) return header.join(", ");
  return typeof header === "string" ? header : null;
}

function isStream(data: unknown): data is { destroy?(): void } {
  if (typeof data !== "object" || data === null) return false;
  return "pipe" in data || "getReader" in data;
}
