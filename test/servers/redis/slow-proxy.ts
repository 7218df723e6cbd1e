import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { onFreePort, PortTakenError } from "./free-port.ts";

export interface TcpProxy {
  readonly port: number;
  /** `redis://127.0.0.1:<port>`; a test of TLS writes its own. */
  readonly url: string;
  /** Client connections open now. */
  readonly connections: number;
  /** Client connections ever accepted. */
  readonly accepted: number;
  /** Delay of each chunk, in each direction. */
  setLatency(ms: number): void;
  /** New connections get ECONNREFUSED; those that exist stay. */
  refuse(on: boolean): Promise<void>;
  /** Ends every connection with RST. */
  reset(): void;
  /** Connections open and stay, nothing passes; what was held back passes once it is off. */
  blackhole(on: boolean): void;
  close(): Promise<void>;
}

/** A TCP proxy on a free loopback port that can misbehave on demand. */
export async function startTcpProxy(target: {
  readonly host: string;
  readonly port: number;
}): Promise<TcpProxy> {
  const network = { latency: 0, blackholed: false };
  const pairs = new Set<{ client: Socket; flush(): void }>();
  let accepted = 0;

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    accepted += 1;
    const upstream = dial({ ...target, allowHalfOpen: true, noDelay: true });
    const flushes = [relay(client, upstream, network), relay(upstream, client, network)];
    const pair = {
      client,
      flush: () => {
        for (const flush of flushes) flush();
      },
    };
    pairs.add(pair);
    client.on("error", () => upstream.destroy());
    client.on("close", () => {
      pairs.delete(pair);
      upstream.destroy();
    });
    // A target that is gone shows as a reset, as it would without the proxy.
    upstream.on("error", () => client.resetAndDestroy());
  });

  const port = await onFreePort((candidate) => listen(server, candidate));
  const reset = () => {
    for (const { client } of pairs) client.resetAndDestroy();
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    get connections() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    setLatency: (ms) => {
      network.latency = ms;
    },
    refuse: async (on) => {
      if (on === !server.listening) return;
      // close() stops listening at once; its callback would wait for the connections to end.
      if (on) server.close();
      else await listen(server, port);
    },
    reset,
    blackhole: (on) => {
      network.blackholed = on;
      if (!on) for (const pair of pairs) pair.flush();
    },
    close: async () => {
      reset();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Passes chunks and the end on, in order, each when it is due. */
function relay(from: Socket, to: Socket, network: { latency: number; blackholed: boolean }) {
  const queue: { due: number; chunk: Buffer | undefined }[] = [];
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    for (let next = queue[0]; next && !network.blackholed; next = queue[0]) {
      const wait = next.due - performance.now();
      if (wait > 0) {
        timer = setTimeout(flush, wait);
        return;
      }
      queue.shift();
      if (next.chunk) to.write(next.chunk);
      else to.end();
    }
  };
  const hold = (chunk: Buffer | undefined) => {
    queue.push({ due: performance.now() + network.latency, chunk });
    flush();
  };
  from.on("data", hold);
  from.on("end", () => hold(undefined));
  to.on("close", () => clearTimeout(timer));
  return flush;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(new PortTakenError(error.message));
    server.once("error", failed);
    server.listen({ port, host: "127.0.0.1" }, () => {
      server.off("error", failed);
      resolve(port);
    });
  });
}
