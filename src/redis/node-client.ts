import type { ConnectionOptions } from "node:tls";
import type { RedisClusterOptions } from "@keyv/redis";
import { ClientCertificates } from "../credentials/client-certificate.ts";
import { readSecret } from "../credentials/secrets.ts";
import { trustedByNode } from "../http/trusted-authorities.ts";
import type { Address } from "./node-address.ts";
import type { RedisTls } from "./options.ts";
import type { Access } from "./settings.ts";

export type RedisModule = typeof import("@keyv/redis");

/** What an attempt to connect needs. */
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
  const { socket, ...options } = await nodeOptions(access, attempt, attempt.connectTimeoutMs);
  const reconnectStrategy = () => {
    // Destroyed while it can be, so that node-redis' metrics release it, too.
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
export async function nodeOptions(
  { username, password, tls }: Access,
  attempt: Attempt,
  connectTimeout: number,
) {
  const { signal } = attempt;
  const common = { connectTimeout, reconnectStrategy: false as const, signal };
  const socket: SocketOptions = tls
    ? { ...common, tls: true, ...(await tlsOptions(tls, attempt)) }
    : common;
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

async function tlsOptions(
  { ca, clientCertificate: source, servername }: RedisTls,
  { connectTimeoutMs: timeoutMs }: Attempt,
): Promise<ConnectionOptions> {
  const shown =
    source && (await new ClientCertificates().read(source, { endpoint: "Redis", timeoutMs }));
  return {
    ...(ca !== undefined && {
      ca: [...(await trustedByNode(await import("node:tls"))), ca].flat(),
    }),
    ...(shown && { cert: shown.certificate, key: shown.privateKey }),
    ...(servername !== undefined && { servername }),
    // Stated, since the environment could turn the default off.
    rejectUnauthorized: true,
  };
}
