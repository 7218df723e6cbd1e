import { isWithoutProxy, patternsIn } from "../../checks/host-patterns.ts";
import type { Transport } from "../../configuration/transport-fields.ts";
import { proxyAddresses } from "../../http/proxy-addresses.ts";
import { type Finding, failed, passed, skipped, warning } from "./step.ts";
import { placeOf, type Target } from "./target.ts";
import { NoTunnelError, openTunnel } from "./tunnel.ts";

/** Whether the proxy lets requests to a server through. */
export async function checkProxy(
  { url, proxy }: Target,
  transport: Transport | undefined,
): Promise<Finding> {
  if (proxy === undefined) return withoutProxy(url);
  const place = placeOf(new URL(proxy));
  try {
    const socket = await openTunnel(proxyWithCredentials(transport, url), url);
    socket.destroy();
    return passed(`${place} connects to ${placeOf(url)}`);
  } catch (error) {
    if (!(error instanceof NoTunnelError)) throw error;
    if (error.status === 407) {
      return failed(
        `${place} rejects the credentials (407)`,
        "put user name and password into the URL of the proxy",
      );
    }
    if (error.status === 0) {
      return failed(
        `the proxy ${place} can't be reached (${error.message})`,
        "check transport.proxy, or HTTPS_PROXY where it is taken from the environment",
      );
    }
    // Plain requests need no tunnel, and many proxies open one to port 443 alone.
    if (url.protocol === "http:") return skipped(`${place} opens no tunnel to ${placeOf(url)}`);
    return failed(
      `${place} does not connect to ${placeOf(url)} (${error.status})`,
      `have ${url.hostname} allowed at the proxy, or add it to transport.noProxy`,
    );
  }
}

function withoutProxy(url: URL): Finding {
  const { env } = process;
  const isSecure = url.protocol === "https:";
  const names = isSecure ? ["HTTPS_PROXY", "https_proxy"] : ["HTTP_PROXY", "http_proxy"];
  const name = names.find((one) => env[one]);
  const isUsed = env.NODE_USE_ENV_PROXY === "1";
  if (name === undefined || isUsed || isWithoutProxy(url, patternsIn(noProxy()))) {
    return skipped("none is configured");
  }
  return warning(
    `${name} is set, and requests to ${placeOf(url)} don't use it`,
    "set transport.proxyFromEnvironment: true if they have to",
  );
}

function noProxy(): string {
  return process.env.no_proxy ?? process.env.NO_PROXY ?? "";
}

/** The proxy of a URL, with user name and password. */
export function proxyWithCredentials(transport: Transport | undefined, url: URL): URL {
  const { httpProxy = "", httpsProxy = "" } = proxyAddresses(transport ?? {}) ?? {};
  return new URL(url.protocol === "https:" ? httpsProxy : httpProxy);
}
