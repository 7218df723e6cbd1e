import type { ConnectionOptions } from "node:tls";
import type { RedisClusterOptions } from "@keyv/redis";
import { readSecret } from "../endpoint/secrets.ts";
import type { Address } from "./node-address.ts";
import type { RedisTls } from "./options.ts";
import type { Access } from "./settings.ts";

export type RedisModule = typeof import("@keyv/redis");

/** What an attempt to connect has at hand. */
export interface Attempt {
  readonly redis: RedisModule;
  readonly connectTimeoutMs: number;
  /**
   * Destroys every socket of the attempt and of what comes of it. node-redis can't reach those that
   * are still connecting, nor those by which it asks for the layout of a cluster.
   */
  readonly signal: AbortSignal;
  /** Hears of errors that nobody waits for. */
  readonly onError: (error: unknown) => void;
}

/** More than a process with 10 000 endpoints asks for at once; no more pile up at a frozen Redis. */
export const mostOperations = 20_000;

type NodeOptions = NonNullable<RedisClusterOptions["defaults"]>;
type SocketOptions = NonNullable<NodeOptions["socket"]>;

/** A connected client for one server. It doesn't keep the process alive, and never connects again. */
export async function connectNode(
  { host, port }: Address,
  access: Access,
  database: number,
  attempt: Attempt,
) {
  const { socket, ...options } = nodeOptions(access, attempt, attempt.connectTimeoutMs);
  const reconnectStrategy = () => {
    // Destroyed as long as it can be, node-redis' metrics let go of it too.
    if (client.isOpen) client.destroy();
    return false as const;
  };
  const client = attempt.redis.createClient({
    ...options,
    database,
    socket: { ...socket, host, port, reconnectStrategy },
  });
  client.on("error", attempt.onError);
  client.unref();
  await client.connect();
  return client;
}

/** For a client of node-redis that queues nothing while it is down, and never connects again. */
export function nodeOptions(
  { username, password, tls }: Access,
  attempt: Attempt,
  connectTimeout: number,
) {
  const { signal } = attempt;
  const common = { connectTimeout, reconnectStrategy: false as const, signal };
  const socket: SocketOptions = tls ? { ...common, tls: true, ...tlsOptions(tls) } : common;
  const credentials = async () => ({
    ...(username !== undefined && { username }),
    ...(password !== undefined && {
      password: await readSecret("password", password, "Redis", attempt.connectTimeoutMs),
    }),
  });
  return {
    disableOfflineQueue: true,
    // It would be two more commands to allow.
    disableClientInfo: true,
    commandsQueueMaxLength: mostOperations,
    socket,
    ...((username ?? password) !== undefined && {
      credentialsProvider: { type: "async-credentials-provider" as const, credentials },
    }),
  } satisfies NodeOptions;
}

function tlsOptions({ ca, cert, key, passphrase, servername }: RedisTls): ConnectionOptions {
  const text = (pem: string | Uint8Array) => (typeof pem === "string" ? pem : Buffer.from(pem));
  return {
    ...(ca !== undefined && { ca: [ca].flat().map(text) }),
    ...(cert !== undefined && { cert: text(cert) }),
    ...(key !== undefined && { key: text(key) }),
    ...(passphrase !== undefined && { passphrase }),
    ...(servername !== undefined && { servername }),
    // Said aloud, since the environment could turn the default off.
    rejectUnauthorized: true,
  };
}
