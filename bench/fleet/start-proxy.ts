import { fork } from "node:child_process";
import { once } from "node:events";
import type { ProxyCommand } from "./messages.ts";

export interface SlowProxy {
  readonly url: string;
  /** There and back. */
  setLatency(ms: number): void;
}

/** Starts a proxy that can be slow. It ends with this process. */
export async function startProxy(
  file: string,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<SlowProxy> {
  const child = fork(file, { execArgv: [] });
  process.once("exit", () => child.kill("SIGKILL"));
  const tell = (command: ProxyCommand) => child.send(command, () => {});
  tell({ type: "start", target: { host, port } });
  const [url] = (await once(child, "message")) as [string];
  // Each chunk is held back in each direction.
  return { url, setLatency: (ms) => tell({ type: "latency", ms: ms / 2 }) };
}
