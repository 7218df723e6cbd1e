import type { ClientCertificate } from "../credentials/client-certificate.ts";
import type { Secret } from "../credentials/secrets.ts";
import type { RedisCommands } from "./commands.ts";

/** How to reach Redis, in one of five ways: `url`, `host`, `cluster`, `sentinel`, or a connected `client`. */
export type RedisCacheOptions =
  | RedisUrl
  | RedisServer
  | RedisCluster
  | RedisSentinel
  | RedisGivenClient;

/** The options that every way of reaching Redis has. */
export interface RedisCommonOptions {
  /**
   * How long connecting may take, in milliseconds. A connection that doesn't respond for this long is
   * closed and replaced.
   * @default 2_000
   */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * Every key begins with this prefix and two colons, so an ACL user limited to `~<keyPrefix>:*` is enough.
   * @default "endpoint-security"
   */
  readonly keyPrefix?: string | undefined;
}

/** The ACL user, its password, and TLS. */
export interface RedisLogin {
  /**
   * The ACL user.
   * @default Redis' own `default`
   */
  readonly username?: string | undefined;
  /**
   * The password: a string, or a function that may be async and is called for every connection, for
   * tokens that rotate (IAM).
   * @default none
   */
  readonly password?: Secret | undefined;
  /**
   * `true`, or options. The server's certificate is always verified.
   * @default no TLS
   */
  readonly tls?: boolean | RedisTls | undefined;
}

/** TLS options, the same as those of `transport`. */
export interface RedisTls {
  /** Certificates (PEM) of authorities to trust besides those that Node.js trusts. */
  readonly ca?: string | readonly string[] | undefined;
  /** The certificate that the client presents. Files are read for each connection. */
  readonly clientCertificate?: ClientCertificate | undefined;
  /**
   * The name that the server's certificate must be for.
   * @default the host of the connection
   */
  readonly servername?: string | undefined;
}

/** `redis://user:password@host:port/database`, or `rediss://…` for TLS. */
export interface RedisUrl extends RedisCommonOptions, RedisLogin, Without<"url"> {
  /**
   * `redis://user:password@host:port/database`, or `rediss://…` for TLS.
   * @example "rediss://redis.example.com:6380/0"
   */
  readonly url: string;
  /**
   * The number of the database.
   * @default the one in the URL, else 0
   */
  readonly database?: number | undefined;
}

/** One server. */
export interface RedisServer extends RedisCommonOptions, RedisLogin, Without<"host"> {
  /** The host name or address of the server. */
  readonly host: string;
  /**
   * The port of the server.
   * @default 6379
   */
  readonly port?: number | undefined;
  /**
   * The number of the database.
   * @default 0
   */
  readonly database?: number | undefined;
}

/** A Redis Cluster. `username`, `password` and `tls` are for all nodes. */
export interface RedisCluster extends RedisCommonOptions, RedisLogin, Without<"cluster"> {
  /** The cluster. */
  readonly cluster: {
    /** Some of the nodes: the cluster names the others. */
    readonly nodes: readonly RedisNode[];
  };
}

/** A master that sentinels watch. `username`, `password`, `database` are for the master. */
export interface RedisSentinel extends RedisCommonOptions, RedisLogin, Without<"sentinel"> {
  /** The sentinels, and the master that they watch. */
  readonly sentinel: {
    /** The sentinels, preferably all of them: the master is the one that most of them name. */
    readonly nodes: readonly RedisNode[];
    /** What the sentinels call the master. */
    readonly name: string;
    /**
     * The sentinels' own ACL user.
     * @default Redis' own `default`
     */
    readonly username?: string | undefined;
    /**
     * The sentinels' own password.
     * @default none
     */
    readonly password?: Secret | undefined;
    /**
     * TLS to the sentinels.
     * @default `tls` of the master
     */
    readonly tls?: boolean | RedisTls | undefined;
  };
  /**
   * The number of the database.
   * @default 0
   */
  readonly database?: number | undefined;
}

/**
 * A client of node-redis 5 (`createClient`, `createCluster`, `createSentinel`) that the service has
 * connected. The library never closes, changes or reconnects it.
 */
export interface RedisGivenClient extends RedisCommonOptions, Without<"client"> {
  /** The connected client. */
  readonly client: RedisCommands;
}

/** A node's host and port (default: 6379 for a server, 26379 for a sentinel), or its URL. */
export type RedisNode = string | { readonly host: string; readonly port?: number | undefined };

interface Ways {
  readonly url?: never;
  readonly host?: never;
  readonly cluster?: never;
  readonly sentinel?: never;
  readonly client?: never;
}

/** Keeps two ways from being mixed. */
type Without<Own extends keyof Ways> = Omit<Ways, Own>;
