import { freePort, onFreePort } from "./free-port.ts";
import { infoField } from "./redis-cli.ts";
import { fixtureUser } from "./redis-config.ts";
import { type RunningRedis, startRedis } from "./redis-server.ts";
import { waitUntil } from "./wait-until.ts";

const slotCount = 16_384;

export interface RedisClusterOptions {
  /** At least 1; 3 unless told. */
  readonly masters?: number | undefined;
  readonly password?: string | undefined;
}

/** A slot on its way: keys already moved get ASK from the old owner, clients see MOVED at the end. */
export interface SlotMigration {
  /** Moves the keys the slot holds now. */
  moveKeys(): Promise<void>;
  /** Moves what is left and hands the slot over on every node. */
  finish(): Promise<void>;
}

export interface RunningRedisCluster {
  readonly nodes: readonly RunningRedis[];
  cli(nodeIndex: number, ...args: string[]): Promise<string>;
  slotOf(key: string): Promise<number>;
  /** Index of the node that serves the slot. */
  ownerOf(slot: number): Promise<number>;
  beginSlotMigration(slot: number, fromIndex: number, toIndex: number): Promise<SlotMigration>;
  migrateSlot(slot: number, fromIndex: number, toIndex: number): Promise<void>;
  stop(): Promise<void>;
}

/** Masters without replicas that share all slots; resolves once every node finds the cluster ok. */
export async function startRedisCluster(
  options: RedisClusterOptions = {},
): Promise<RunningRedisCluster> {
  const nodes: RunningRedis[] = [];
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    for (let index = 0; index < (options.masters ?? 3); index += 1) {
      nodes.push(await startNode(options.password));
    }
    await join(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  const node = (index: number) => nodeAt(nodes, index);
  const beginSlotMigration: RunningRedisCluster["beginSlotMigration"] = (slot, from, to) =>
    beginMigration(nodes, slot, node(from), node(to));
  return {
    nodes,
    cli: (index, ...args) => node(index).cli(...args),
    slotOf: async (key) => Number(await node(0).cli("CLUSTER", "KEYSLOT", key)),
    ownerOf: (slot) => ownerOf(nodes, slot),
    beginSlotMigration,
    migrateSlot: async (slot, from, to) => {
      const migration = await beginSlotMigration(slot, from, to);
      await migration.finish();
    },
    stop,
  };
}

function startNode(password: string | undefined): Promise<RunningRedis> {
  return onFreePort(async (port) => {
    const config = {
      "cluster-enabled": "yes",
      "cluster-node-timeout": "2000",
      "cluster-announce-ip": "127.0.0.1",
      // The default, port + 10000, may be taken.
      "cluster-port": String(await freePort()),
    };
    return startRedis({ port, password, config });
  });
}

async function join(nodes: readonly RunningRedis[]): Promise<void> {
  const first = nodeAt(nodes, 0);
  for (const [index, node] of nodes.entries()) {
    // Distinct epochs from the start spare the nodes a round of conflict resolution.
    await node.cli("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
    const start = Math.floor((index * slotCount) / nodes.length);
    const end = Math.floor(((index + 1) * slotCount) / nodes.length) - 1;
    await node.cli("CLUSTER", "ADDSLOTSRANGE", String(start), String(end));
    if (node === first) continue;
    const bus = await node.cli("CONFIG", "GET", "cluster-port");
    const busPort = bus.split("\n")[1] ?? "";
    await first.cli("CLUSTER", "MEET", node.host, String(node.port), busPort);
  }
  await Promise.all(
    nodes.map((node) =>
      waitUntil(`the cluster to be ok on port ${node.port}`, async () => {
        const info = await node.cli("CLUSTER", "INFO");
        return (
          infoField(info, "cluster_state") === "ok" &&
          infoField(info, "cluster_size") === String(nodes.length) &&
          infoField(info, "cluster_known_nodes") === String(nodes.length) &&
          infoField(info, "cluster_slots_ok") === String(slotCount) &&
          // A node in handshake is listed, yet not really known.
          !(await node.cli("CLUSTER", "NODES")).includes("handshake")
        );
      }),
    ),
  );
}

async function beginMigration(
  nodes: readonly RunningRedis[],
  slot: number,
  from: RunningRedis,
  to: RunningRedis,
): Promise<SlotMigration> {
  const setSlot = (node: RunningRedis, ...rest: string[]) =>
    node.cli("CLUSTER", "SETSLOT", String(slot), ...rest);
  const fromId = await from.cli("CLUSTER", "MYID");
  const toId = await to.cli("CLUSTER", "MYID");
  await setSlot(to, "IMPORTING", fromId);
  await setSlot(from, "MIGRATING", toId);
  const moveKeys = async () => {
    const listed = await from.cli("CLUSTER", "GETKEYSINSLOT", String(slot), "10000");
    const keys = listed.split("\n").filter((key) => key !== "");
    if (keys.length === 0) return;
    const login = ["AUTH2", fixtureUser.username, fixtureUser.password];
    const target = [to.host, String(to.port), "", "0", "5000"];
    await from.cli("MIGRATE", ...target, ...login, "KEYS", ...keys);
  };
  return {
    moveKeys,
    finish: async () => {
      await moveKeys();
      // The new owner first: until it knows, it would send clients back to the old one.
      const others = nodes.filter((node) => node !== to && node !== from);
      for (const node of [to, from, ...others]) await setSlot(node, "NODE", toId);
    },
  };
}

async function ownerOf(nodes: readonly RunningRedis[], slot: number): Promise<number> {
  for (const [index, node] of nodes.entries()) {
    const own = (await node.cli("CLUSTER", "NODES"))
      .split("\n")
      .find((line) => line.includes("myself"));
    for (const range of own?.split(" ").slice(8) ?? []) {
      // Square brackets mark slots on their way, which are listed as owned besides.
      if (range.startsWith("[")) continue;
      const [start, end = start] = range.split("-").map(Number);
      if (start !== undefined && end !== undefined && start <= slot && slot <= end) return index;
    }
  }
  throw new Error(`No node serves slot ${slot}`);
}

function nodeAt(nodes: readonly RunningRedis[], index: number): RunningRedis {
  const node = nodes[index];
  if (!node) throw new Error(`The cluster has no node ${index}`);
  return node;
}
