import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Thrown by a server that lost the race for its port, so that the caller can pick another. */
export class PortTakenError extends Error {
  override name = "PortTakenError";
}

/** A port on 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    // Below the usual ephemeral ranges: an outgoing connection cannot take it during a restart.
    const port = randomInt(20_000, 32_000);
    if (await isFree(port)) return port;
  }
  throw new Error("No free loopback port found between 20000 and 32000");
}

/** Runs `start` again with other ports when another process was quicker. */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (!(error instanceof PortTakenError) || tries === 5) throw error;
    }
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1" }, () => probe.close(() => resolve(true)));
  });
}
