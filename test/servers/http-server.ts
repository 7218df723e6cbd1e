import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions as TlsOptions } from "node:https";
import type { AddressInfo, Socket } from "node:net";

export type HttpHandler = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

interface HttpServer {
  origin: string;
  port: number;
  readonly connections: {
    /** Since it listens. */
    readonly opened: number;
    readonly open: number;
  };
  close(): Promise<void>;
}

/** With `tls` it is an https server. */
export async function listen(
  handler: HttpHandler,
  { tls }: { readonly tls?: TlsOptions } = {},
): Promise<HttpServer> {
  const answer = (req: IncomingMessage, res: ServerResponse) => {
    // A handler that throws must not take the test process down with it.
    Promise.resolve()
      .then(() => handler(req, res))
      .catch(() => {
        if (res.headersSent) res.destroy();
        else respond(res, 500, { error: "server_error" });
      });
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  const sockets = new Set<Socket>();
  let opened = 0;
  server.on("connection", (socket: Socket) => {
    opened += 1;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // A thousand callers at once connect without one being turned away.
    server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    port,
    connections: {
      get opened() {
        return opened;
      },
      get open() {
        return sockets.size;
      },
    },
    close: () =>
      new Promise<void>((resolve) => {
        // Closing twice is fine: the second time there is nothing left to close.
        server.close(() => resolve());
        // Kept-alive sockets and requests still unanswered would hold close() back.
        server.closeAllConnections();
        // Those amid a handshake are no connections to it yet.
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Strings go out as text, so a test can serve bodies that are not JSON. */
export function respond(
  res: ServerResponse,
  status: number,
  body?: unknown,
  headers: Record<string, string> = {},
): void {
  const isText = typeof body === "string";
  const contentType = isText ? "text/plain; charset=utf-8" : "application/json";
  res.statusCode = status;
  if (body !== undefined) res.setHeader("content-type", contentType);
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  res.end(isText || body === undefined ? body : JSON.stringify(body));
}
