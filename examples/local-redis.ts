/** A real Redis on this machine, where an example needs yours. Nothing here is for copying. */
import { findOnPath } from "../test/servers/redis/find-on-path.ts";
import { startRedisCluster } from "../test/servers/redis/redis-cluster.ts";
import { startRedis } from "../test/servers/redis/redis-server.ts";

const reason = "no redis-server on the PATH";

interface LocalRedis extends AsyncDisposable {
  readonly url: string;
}

interface LocalRedisCluster extends AsyncDisposable {
  /** Every node's URL. */
  readonly nodes: readonly string[];
  /** How many entries each node holds. */
  keysPerNode(): Promise<readonly number[]>;
}

/** A redis-server of its own, or the one of REDIS_URL; undefined where there is neither. */
export async function findLocalRedis(): Promise<LocalRedis | undefined> {
  if (await hasRedisServer()) {
    const { url, stop } = await startRedis();
    return { url, [Symbol.asyncDispose]: stop };
  }
  const url = process.env.REDIS_URL;
  return url ? { url, [Symbol.asyncDispose]: async () => {} } : undefined;
}

/** Why `findLocalRedis` finds none, if so. */
export async function whyNoRedis(): Promise<string | undefined> {
  return process.env.REDIS_URL || (await hasRedisServer()) ? undefined : reason;
}

/** As `findLocalRedis`; where there is none, the example ends here. */
export async function startLocalRedis(): Promise<LocalRedis> {
  if (mustHaveRedis()) {
    const { url, stop } = await startRedis();
    return { url, [Symbol.asyncDispose]: stop };
  }
  return (await findLocalRedis()) ?? skip();
}

/** Three masters of its own; where there is no redis-server, the example ends here. */
export async function startLocalRedisCluster(): Promise<LocalRedisCluster> {
  if (!mustHaveRedis() && !(await hasRedisServer())) skip();
  const { nodes, stop } = await startRedisCluster();
  return {
    nodes: nodes.map(({ url }) => url),
    keysPerNode: () => Promise.all(nodes.map(async ({ cli }) => Number(await cli("DBSIZE")))),
    [Symbol.asyncDispose]: stop,
  };
}

/** CI never passes by leaving Redis out: there, the tests' servers install it, or throw. */
function mustHaveRedis(): boolean {
  return process.env.CI === "true";
}

/** Those servers would install what is missing; elsewhere than in CI, an example may not. */
async function hasRedisServer(): Promise<boolean> {
  const found = await Promise.all(["redis-server", "redis-cli"].map(findOnPath));
  return found.every((path) => path !== undefined);
}

function skip(): never {
  console.log(`skipped: ${reason}`);
  process.exit(0);
}
