import type { Secret } from "../endpoint/secrets.ts";
import type { RedisCommands } from "./commands.ts";

/**
 * Where the Redis is, in one of five ways: `url`, `host`, `cluster`, `sentinel`, or a `client` that is
 * there already.
 */
export type RedisCacheOptions =
  | RedisUrl
  | RedisServer
  | RedisCluster
  | RedisSentinel
  | RedisGivenClient;

/** What every way of reaching a Redis has. */
export interface RedisCommonOptions {
  /**
   * How long connecting may take, in milliseconds. A connection that answers nothing for as long is
   * given up, and made anew. Default: 2000.
   */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * Every key begins with it and two colons, so that an ACL user limited to `~<keyPrefix>:*` is
   * enough. Default: `"endpoint-security"`.
   */
  readonly keyPrefix?: string | undefined;
}

/** Who connects, and how. */
export interface RedisLogin {
  /** The ACL user. Default: Redis' own `default`. */
  readonly username?: string | undefined;
  /**
   * A string, or a function that may be async. It is asked anew at every connection, so that tokens
   * that rotate (as those of IAM do) are always fresh. Default: none.
   */
  readonly password?: Secret | undefined;
  /** `true`, or more about it. The server's certificate is always verified. Default: no TLS. */
  readonly tls?: boolean | RedisTls | undefined;
}

/** TLS with certificates of one's own, as PEM. */
export interface RedisTls {
  /** The authorities to trust, instead of those Node.js comes with. */
  readonly ca?: Pem | readonly Pem[] | undefined;
  /** The client's certificate, where the server wants one. */
  readonly cert?: Pem | undefined;
  /** The key of `cert`. */
  readonly key?: Pem | undefined;
  /** The passphrase of `key`. */
  readonly passphrase?: string | undefined;
  /** The name that the certificate has to be for. Default: the host that is connected to. */
  readonly servername?: string | undefined;
}

type Pem = string | Uint8Array;

/** `redis://user:password@host:port/database`, or `rediss://…` for TLS. */
export interface RedisUrl extends RedisCommonOptions, RedisLogin, Without<"url"> {
  readonly url: string;
  /** The number of the database. Default: the one in the URL, or 0. */
  readonly database?: number | undefined;
}

/** One server. */
export interface RedisServer extends RedisCommonOptions, RedisLogin, Without<"host"> {
  readonly host: string;
  /** Default: 6379. */
  readonly port?: number | undefined;
  /** The number of the database. Default: 0. */
  readonly database?: number | undefined;
}

/** A Redis Cluster. `username`, `password` and `tls` are for all nodes. */
export interface RedisCluster extends RedisCommonOptions, RedisLogin, Without<"cluster"> {
  readonly cluster: {
    /** Some of the nodes: the others are learnt from them. */
    readonly nodes: readonly RedisNode[];
  };
}

/** A master that sentinels watch. `username`, `password`, `database` are for the master. */
export interface RedisSentinel extends RedisCommonOptions, RedisLogin, Without<"sentinel"> {
  readonly sentinel: {
    /** The sentinels: best all of them, since the master is where most of them say. */
    readonly nodes: readonly RedisNode[];
    /** What the sentinels call the master. */
    readonly name: string;
    /** The sentinels' own ACL user. Default: Redis' own `default`. */
    readonly username?: string | undefined;
    /** The sentinels' own password, as `password` is for the master. Default: none. */
    readonly password?: Secret | undefined;
    /** TLS to the sentinels. Default: `tls` of the master. */
    readonly tls?: boolean | RedisTls | undefined;
  };
  /** The number of the database. Default: 0. */
  readonly database?: number | undefined;
}

/**
 * A client of node-redis 5 (`createClient`, `createCluster`, `createSentinel`) that the service has
 * connected. It is never closed, nor changed, and connecting it again stays the service's business.
 */
export interface RedisGivenClient extends RedisCommonOptions, Without<"client"> {
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
