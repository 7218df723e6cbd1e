import { connectCluster } from "./cluster.ts";
import type { RedisCommands } from "./commands.ts";
import { type Attempt, connectNode } from "./node-client.ts";
import { masterOf } from "./sentinels.ts";
import type { RedisSettings } from "./settings.ts";

/** A connected client, and how to watch and close it. */
export interface ConnectedClient {
  readonly client: RedisCommands;
  /** Whether it was made here, and ends here. */
  readonly isOurs: boolean;
  /** Whether it may fail in parts. */
  readonly hasNodes: boolean;
  /** Whether some of its nodes could not be reached. */
  readonly lacksNodes: boolean;
  /** Whether commands can be sent, at least to one of the nodes. */
  isReady(): boolean;
  destroy(): void;
}

export async function connect(
  way: RedisSettings["way"],
  attempt: Attempt,
): Promise<ConnectedClient> {
  switch (way.to) {
    case "server":
      return ours(await connectNode(way.node, way.access, way.database, attempt));
    case "sentinel": {
      const master = await masterOf(way, attempt);
      return ours(await connectNode(master, way.access, way.database, attempt));
    }
    case "cluster": {
      const { client, ...state } = await connectCluster(way.nodes, way.access, attempt);
      return { ...ours(client), ...state, hasNodes: true };
    }
    case "client":
      return given(way.client);
  }
}

function ours(client: RedisCommands & { destroy(): unknown; isReady?: boolean }): ConnectedClient {
  return {
    client,
    isOurs: true,
    hasNodes: false,
    lacksNodes: false,
    isReady: () => client.isReady !== false,
    destroy: () => {
      try {
        client.destroy();
      } catch {
        // It was closed already, or one of its nodes was.
      }
    },
  };
}

function given(client: RedisCommands): ConnectedClient {
  return {
    client,
    isOurs: false,
    hasNodes: false,
    lacksNodes: false,
    // Its commands would wait for it to connect. A cluster doesn't say whether it is ready.
    isReady: () => client.isOpen && Reflect.get(client, "isReady") !== false,
    destroy: () => {},
  };
}
