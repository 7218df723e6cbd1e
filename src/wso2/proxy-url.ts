import type { Cursor } from "./cursor.ts";

interface ProxyParts {
  readonly protocol: Cursor;
  readonly host: Cursor;
  readonly port: Cursor;
  readonly user: Cursor;
  readonly password: Cursor;
  /** Finds the password, which the file may not hold. */
  secret(place: Cursor): string | undefined;
}

/** The URL of a proxy from its parts. */
export function proxyUrl(parts: ProxyParts): string | undefined {
  const { protocol, host, port, user, password } = parts;
  const name = host.text();
  if (name === undefined) {
    host.problem("is missing", "set the proxy's host, or switch it off");
    return undefined;
  }
  for (const part of [protocol, host, port, user]) part.carried("transport.proxy");
  const login = user.text();
  const scheme = protocol.text()?.toLowerCase() ?? "http";
  if (scheme !== "http" && scheme !== "https") {
    protocol.problem("must be http or https", "use a proxy that speaks HTTP");
  }
  const url = new URL(`${scheme === "https" ? "https" : "http"}://proxy`);
  url.hostname = name;
  url.port = String(port.number() ?? "");
  if (login === undefined) password.left("is not in use: the proxy has no user name");
  else {
    url.username = login;
    url.password = parts.secret(password) ?? "";
  }
  return url.href.replace(/\/$/, "");
}
