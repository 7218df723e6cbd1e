import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type HttpHandler = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

interface HttpServer {
  origin: string;
  port: number;
  close(): Promise<void>;
}

export async function listen(handler: HttpHandler): Promise<HttpServer> {
  const server = createServer((req, res) => {
    // A handler that throws must not take the test process down with it.
    Promise.resolve()
      .then(() => handler(req, res))
      .catch(() => {
        if (res.headersSent) res.destroy();
        else respond(res, 500, { error: "server_error" });
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // A thousand callers at once connect without one being turned away.
    server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise<void>((resolve) => {
        // Closing twice is fine: the second time there is nothing left to close.
        server.close(() => resolve());
        // Kept-alive sockets and requests still unanswered would hold close() back.
        server.closeAllConnections();
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
