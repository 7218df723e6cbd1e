import { Problems } from "../endpoint/problems.ts";
import { proxyUrl, type Transport } from "../endpoint/transport-fields.ts";
import { ConfigurationError } from "../errors.ts";

/** As undici's EnvHttpProxyAgent takes them: nothing in a text means none. */
export interface ProxyAddresses {
  readonly httpProxy: string;
  readonly httpsProxy: string;
}

/**
 * Undefined where there is no proxy for anybody.
 * @throws ConfigurationError where the environment names one that can't be used
 */
export function proxyAddresses({
  proxy,
  proxyFromEnvironment,
}: Transport): ProxyAddresses | undefined {
  if (proxy) return { httpProxy: proxy, httpsProxy: proxy };
  if (proxyFromEnvironment !== true) return undefined;
  return { httpProxy: inEnvironment("http_proxy"), httpsProxy: inEnvironment("https_proxy") };
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
  throw new ConfigurationError({ problems: [{ path, problem, mend: wrong.mend }] });
}
