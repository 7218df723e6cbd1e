import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createFront, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { respond } from "../servers/http-server.ts";

/** Whom an answer may send the client to. */
export interface Whereabouts {
  /** The token endpoint itself. */
  readonly self: string;
  /** A server that nobody may ever ask. */
  readonly elsewhere: string;
}

export interface HostileBehaviour {
  /** What is done with a token request. */
  readonly answer?: (res: ServerResponse, where: Whereabouts) => void | Promise<void>;
  /** What is done with a connection, before anything is said. */
  readonly connected?: (socket: Socket) => void;
}

interface Certified {
  readonly cert: string;
  readonly key: string;
}

/**
 * A token endpoint that behaves as it should not, until it is mended: then its token is `mended`.
 * Closed when the test is over.
 */
export async function startHostileServer(
  { answer, connected }: HostileBehaviour,
  elsewhere: string,
  tls?: Certified,
) {
  let isMended = false;
  let attempts = 0;
  let unanswered = 0;
  let origin = "";
  const open = new Map<number | undefined, Socket>();
  const served = new Set<number | undefined>();

  const handle = (req: IncomingMessage, res: ServerResponse) => {
    attempts += 1;
    unanswered += 1;
    res.on("close", () => {
      unanswered -= 1;
      served.add(req.socket.remotePort);
    });
    req.resume().on("end", () => {
      if (isMended || answer === undefined) {
        respond(res, 200, { access_token: "mended", token_type: "Bearer", expires_in: 3600 });
      } else void answer(res, { self: `${origin}/token`, elsewhere });
    });
  };
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  server.on("tlsClientError", () => {});
  // In front of it, so that a connection can go wrong before it speaks http or TLS.
  const front = createFront((socket) => {
    const { remotePort } = socket;
    open.set(remotePort, socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(remotePort));
    if (isMended || connected === undefined) server.emit("connection", socket);
    else {
      attempts += 1;
      connected(socket);
      // Who doesn't read isn't told of the end either.
      socket.resume();
    }
  });
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  origin = `${tls === undefined ? "http" : "https"}://127.0.0.1:${(front.address() as AddressInfo).port}`;
  onTestFinished(() => {
    for (const socket of open.values()) socket.destroy();
    return new Promise<void>((resolve) => front.close(() => resolve()));
  });
  return {
    origin,
    tokenUrl: `${origin}/token`,
    get attempts() {
      return attempts;
    },
    /** Connections that are neither closed nor kept for a next request: somebody left them behind. */
    get leftBehind() {
      const idle = unanswered === 0 ? served : new Set();
      return [...open.keys()].filter((port) => !idle.has(port)).length;
    },
    fix() {
      isMended = true;
    },
  };
}
