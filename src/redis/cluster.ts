import type { Address } from "./node-address.ts";
import { type Attempt, nodeOptions } from "./node-client.ts";
import type { Access } from "./settings.ts";

/** A client for the cluster, connected to as many of its masters as can be reached. */
export async function connectCluster(nodes: readonly Address[], access: Access, attempt: Attempt) {
  const client = attempt.redis.createCluster({
    rootNodes: nodes.map(({ host, port }) => ({ socket: { host, port } })),
    // One node that is down, or frozen, must neither fail the others nor use up their time.
    minimizeConnections: true,
    defaults: await nodeOptions(access, attempt, attempt.connectTimeoutMs / 2),
  });
  let lastError: unknown;
  client.on("error", (error) => {
    lastError = error;
  });
  client.on("node-error", (error) => {
    lastError = error;
    // node-redis would keep the closed one. Without it, the next command connects.
    for (const node of client.nodeByAddress.values()) {
      if (node.client?.isOpen === false) delete node.client;
    }
  });
  client.on("node-connect", () => {
    // They come and go, and each would keep the process alive.
    for (const node of client.nodeByAddress.values()) node.client?.unref();
  });
  try {
    await client.connect();
  } catch (error) {
    // Its own says only that no node could be used.
    throw lastError ?? error;
  }
  const masters = await Promise.allSettled(
    client.masters.map(async (master) => client.nodeClient(master)),
  );
  const missing = masters.filter(({ status }) => status === "rejected").length;
  if (missing === masters.length) throw lastError ?? new Error("no master was reached");
  return {
    client,
    lacksNodes: missing > 0,
    isReady: () => client.masters.some((master) => master.client?.isReady),
  };
}
