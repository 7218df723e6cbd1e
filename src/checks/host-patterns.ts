import { BlockList, isIP } from "node:net";

/**
 * Whether a URL is reached without the proxy.
 * @param patterns host names (which cover their subdomains), addresses, CIDR blocks, each with or
 *   without a port; or `*`.
 */
export function isWithoutProxy(url: string | URL, patterns: readonly string[]): boolean {
  const { hostname, port, protocol } = new URL(url);
  const host = bare(hostname);
  const ownPort = port || (protocol === "https:" ? "443" : "80");
  return patterns.some((pattern) => {
    if (pattern === "*") return true;
    const { name, port: wanted } = partsOf(pattern.trim().toLowerCase());
    if (wanted !== undefined && wanted !== ownPort) return false;
    return isIP(host) === 0 ? isWithin(host, name) : isInBlock(host, name);
  });
}

/** The patterns in the value of `NO_PROXY`. */
export function patternsIn(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((pattern) => pattern !== "");
}

/** Whether a pattern can be matched at all. */
export function isPattern(pattern: string): boolean {
  const { name } = partsOf(pattern);
  if (pattern === "*" || isIP(name) !== 0) return true;
  const [address = "", bits = ""] = name.split("/");
  if (name.includes("/")) {
    const most = isIP(address) === 6 ? 128 : 32;
    return isIP(address) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
  }
  return /^(\*?\.)?[\w-]+(\.[\w-]+)*\.?$/.test(name);
}

function partsOf(pattern: string): { readonly name: string; readonly port: string | undefined } {
  const [, inBrackets, afterBrackets] = /^\[([^\]]+)\]((?:\/\d+)?(?::\d+)?)$/.exec(pattern) ?? [];
  if (inBrackets !== undefined) {
    const [, bits = "", port] = /^(\/\d+)?(?::(\d+))?$/.exec(afterBrackets ?? "") ?? [];
    return { name: `${inBrackets}${bits}`, port };
  }
  // More than one colon is an IPv6 address without brackets, which has no port.
  const [, name = pattern, port] = /^([^:]*):(\d+)$/.exec(pattern) ?? [];
  return { name, port };
}

function isWithin(host: string, name: string): boolean {
  const domain = name.replace(/^\*?\./, "").replace(/\.$/, "");
  const own = host.replace(/\.$/, "");
  return domain !== "" && (own === domain || own.endsWith(`.${domain}`));
}

function isInBlock(host: string, name: string): boolean {
  const [address = "", bits] = name.split("/");
  if (isIP(address) === 0 || isIP(address) !== isIP(host)) return false;
  const type = isIP(host) === 6 ? "ipv6" : "ipv4";
  const list = new BlockList();
  if (bits === undefined) list.addAddress(address, type);
  else list.addSubnet(address, Number(bits), type);
  return list.check(host, type);
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "").toLowerCase();
}
