import { request } from "node:http";
import { request as secureRequest } from "node:https";
import type { Socket } from "node:net";
import { hostOf, portOf } from "./target.ts";

const timeoutMs = 10_000;

/** A proxy opened no tunnel. */
export class NoTunnelError extends Error {
  /** 0: there was no response. */
  readonly status: number;

  constructor(status: number, code: string) {
    super(status === 0 ? code : `responded ${status}`);
    this.status = status;
  }
}

/**
 * A connection through a proxy (CONNECT).
 * @param proxy with its credentials
 * @throws NoTunnelError
 */
export function openTunnel(proxy: URL, to: URL): Promise<Socket> {
  const { username, password } = proxy;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const target = `${to.hostname}:${portOf(to)}`;
  const send = proxy.protocol === "https:" ? secureRequest : request;
  return new Promise((resolve, reject) => {
    const connecting = send({
      host: hostOf(proxy),
      port: portOf(proxy),
      method: "CONNECT",
      path: target,
      timeout: timeoutMs,
      agent: false,
      headers: {
        host: target,
        ...(username !== "" && {
          "proxy-authorization": `Basic ${Buffer.from(credentials).toString("base64")}`,
        }),
      },
    });
    connecting.once("connect", ({ statusCode = 0 }, socket) => {
      if (statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new NoTunnelError(statusCode, ""));
    });
    connecting.once("response", ({ statusCode = 0 }) => {
      connecting.destroy();
      reject(new NoTunnelError(statusCode, ""));
    });
    connecting.once("timeout", () => connecting.destroy(new NoTunnelError(0, "no response")));
    connecting.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error instanceof NoTunnelError ? error : new NoTunnelError(0, error.code ?? error.name),
      ),
    );
    connecting.end();
  });
}
