import { Problems } from "../checks/check.ts";
import { isWithoutProxy, patternsIn } from "../checks/host-patterns.ts";
import { proxyUrl, type Transport } from "../configuration/transport-fields.ts";
import { ConfigurationError } from "../errors.ts";

/** As undici's EnvHttpProxyAgent takes them: nothing in a text means none. */
export interface ProxyAddresses {
  readonly httpProxy: string;
  readonly httpsProxy: string;
}

/**
 * Undefined if no host has a proxy.
 * @throws ConfigurationError if the environment names a proxy that can't be used
 */
export function proxyAddresses({
  proxy,
  proxyFromEnvironment,
}: Transport): ProxyAddresses | undefined {
  if (proxy) return { httpProxy: proxy, httpsProxy: proxy };
  if (proxyFromEnvironment !== true) return undefined;
  return { httpProxy: inEnvironment("http_proxy"), httpsProxy: inEnvironment("https_proxy") };
}

/** Hosts that are reached without the proxy. */
export function withoutProxy({ noProxy, proxy }: Transport): readonly string[] {
  if (noProxy !== undefined || proxy) return noProxy ?? [];
  return patternsIn(process.env.no_proxy ?? process.env.NO_PROXY ?? "");
}

/** The proxy that a request goes through, without its credentials. */
export function proxyFor(settings: Transport | undefined, url: string): string | undefined {
  if (settings === undefined || isWithoutProxy(url, withoutProxy(settings))) return undefined;
  const { httpProxy = "", httpsProxy = "" } = proxyAddresses(settings) ?? {};
  const proxy = new URL(url).protocol === "https:" ? httpsProxy : httpProxy;
  return proxy === "" ? undefined : new URL(proxy).origin;
}

/** Read here and not by undici, whose errors quote what they can't use, passwords too. */
function inEnvironment(lowerCase: string): string {
  const { env } = process;
  const name = env[lowerCase] === undefined ? lowerCase.toUpperCase() : lowerCase;
  const value = env[name] ?? "";
  if (value === "") return "";
  // Often written as host and port alone.
  const url = value.includes("//") ? value : `http://${value}`;
  const problems = new Problems();
  const path = "transport.proxyFromEnvironment";
  proxyUrl(url, path, problems);
  const [wrong] = problems.list;
  if (wrong === undefined) return url;
  const problem = `takes the environment's ${name}, which ${wrong.problem}`;
  throw ConfigurationError.of({ path, problem, fix: wrong.fix });
}
