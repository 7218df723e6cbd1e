import axios, {
  type AxiosAdapter,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
} from "axios";
import type { BackendAccess } from "../http/authorised-fetch.ts";
import { discardBody } from "../http/discard-body.ts";
import { type Answer, answerOf, answerTo } from "./answer.ts";

type Config = InternalAxiosRequestConfig;

/** As axios' own. */
const defaultRedirects = 21;

/**
 * Sends a request, and follows redirects with new credentials for each URL. Where one leads out of
 * the endpoint, axios goes on without credentials.
 */
export async function followed(
  config: Config,
  send: (config: Config) => Promise<Answer>,
  urlOf: (config: Config) => string,
  adapter: AxiosAdapter,
  { authenticator, destination, left }: BackendAccess,
): Promise<AxiosResponse> {
  const most = config.maxRedirects ?? defaultRedirects;
  let current: Config = { ...config, maxRedirects: 0 };
  for (let count = 0; ; count++) {
    const answer = await send(current);
    answer.response.config = config;
    const { response } = answer;
    const from = urlOf(current);
    const target = most === 0 ? undefined : targetOf(response, from);
    if (target === undefined) return answerOf(answer);
    if (count === most) {
      const text = "Maximum number of redirects exceeded";
      throw new axios.AxiosError(
        text,
        "ERR_FR_TOO_MANY_REDIRECTS",
        config,
        response.request,
        response,
      );
    }
    discardBody(response.data);
    current = redirected(current, target, response.status);
    if (!destination.covers(target)) {
      const { maxRedirects: _, ...away } = current;
      const url = authenticator.inUrl?.removeFrom(target.href) ?? target.href;
      const request = { ...away, url, maxRedirects: most - count - 1 };
      const elsewhere = answerTo(config, adapter(request));
      const last = await elsewhere;
      left({ from, to: target.href, status: last.response.status });
      return answerOf(last);
    }
  }
}

function targetOf({ status, headers }: AxiosResponse, from: string): URL | undefined {
  const location: unknown = headers?.location;
  if (![301, 302, 303, 307, 308].includes(status) || typeof location !== "string") return undefined;
  return URL.canParse(location, from) ? new URL(location, from) : undefined;
}

/** The request for a redirect's target: whole, so that nothing is joined to it. */
function redirected(config: Config, target: URL, status: number): Config {
  const { baseURL: _, params: __, auth: ___, ...others } = config;
  const next: Config = { ...others, url: target.href };
  const method = (config.method ?? "get").toUpperCase();
  const dropsBody =
    status === 303 ? !/^(GET|HEAD)$/.test(method) : status < 303 && method === "POST";
  if (!dropsBody) return next;
  const headers = axios.AxiosHeaders.from(config.headers);
  const kept = Object.entries(headers.toJSON()).filter(([name]) => !/^content-/i.test(name));
  return {
    ...next,
    method: "get",
    data: undefined,
    headers: new axios.AxiosHeaders(Object.fromEntries(kept)),
  };
}
