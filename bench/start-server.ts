import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface Server {
  readonly origin: string;
  stop(): void;
}

/** Starts a token endpoint and backend in a process of its own. */
export async function startServer({
  tokenLatencyMs = 0,
}: {
  readonly tokenLatencyMs?: number;
} = {}): Promise<Server> {
  const file = fileURLToPath(new URL("./server.js", import.meta.url));
  const child = fork(file, [String(tokenLatencyMs)], { execArgv: [] });
  const [port] = (await once(child, "message")) as [number];
  return { origin: `http://127.0.0.1:${port}`, stop: () => child.disconnect() };
}
