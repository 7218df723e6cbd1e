import type { Cursor } from "./cursor.ts";

interface ProxyParts {
  readonly protocol: Cursor;
  readonly host: Cursor;
  readonly port: Cursor;
  readonly user: Cursor;
  readonly password: string | undefined;
}

/** The URL of a proxy from its parts. */
export function proxyUrl({ protocol, host, port, user, password }: ProxyParts): string | undefined {
  const name = host.text();
  if (name === undefined) {
    host.problem("is missing", "set the proxy's host, or switch it off");
    return undefined;
  }
  for (const part of [protocol, host, port, user]) part.carried("transport.proxy");
  const login = user.text();
  const scheme = protocol.text()?.toLowerCase() ?? "http";
  if (scheme !== "http" && scheme !== "https") {
    protocol.problem("is no kind of proxy that this library uses", "set http or https");
  }
  const url = new URL(`${scheme === "https" ? "https" : "http"}://proxy`);
  url.hostname = name;
  url.port = String(port.number() ?? "");
  if (login !== undefined) url.username = login;
  if (password !== undefined) url.password = password;
  return url.href.replace(/\/$/, "");
}
