import axios, { type AxiosAdapter, type InternalAxiosRequestConfig } from "axios";
import { exchange } from "./axios/exchange.ts";
import type { BackendConfig } from "./configuration/endpoint-config.ts";
import type { GrantStrategy } from "./configuration/grant-strategy.ts";
import type { EndpointSecurity } from "./endpoint-security.ts";
import { ConfigurationError } from "./errors.ts";

/** The used part of an axios instance: a shape, because axios' types differ between import and require. */
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

/**
 * Makes an axios instance send the endpoint's credentials, to the endpoint's `url` and below, and
 * nowhere else. Relative URLs are joined to `baseURL`, else to `url`. When the backend refuses a
 * token (401, or as `renewal.rejectionStatuses` says), it is renewed and the request sent once more, if its body
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
  endpoint: BackendConfig<Grants[number]>,
): () => void {
  checkVersion();
  const open = security.accessTo(endpoint);
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
        const access = open();
        // undici's dispatcher is for fetch. An adapter of the user's own has a way of its own.
        const chosen = access.route && typeof adapter !== "function" ? "fetch" : adapter;
        return exchange(last, axios.getAdapter(chosen, last), chosen === "fetch", access);
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

/** The methods that are used came with axios 1.5; faults in redirects and URLs were fixed in 1.7. */
function checkVersion(): void {
  const [major = 0, minor = 0] = axios.VERSION.split(".").map(Number);
  if (major > 1 || (major === 1 && minor >= 7)) return;
  throw ConfigurationError.of({
    path: "axios",
    problem: `is ${axios.VERSION}, and wrapAxios needs 1.7 or later`,
    fix: "run `npm install axios@1`",
  });
}
