import type { TestClient } from "../../test/servers/registry.ts";

/** A client of the authorization server for nothing but getting ready; its requests don't count. */
export const warmUpClient = "warm-up";

/** What a process of the fleet is started with. */
export interface WorkerTask {
  readonly redisUrl: string;
  readonly tokenUrl: string;
  readonly clients: readonly TestClient[];
  readonly callsPerSecond: number;
  /** Undefined: the library's own. */
  readonly cacheTimeoutMs: number | undefined;
  /** Load nothing and connect to nothing before the first call. */
  readonly cold: boolean;
}

/** What is counted since the last report. Times are milliseconds since the epoch. */
export interface WorkerReport {
  readonly type: "report";
  readonly at: number;
  readonly calls: number;
  /** How often each error came. */
  readonly errors: Readonly<Record<string, number>>;
  /** Calls that returned a token whose `exp` was over. */
  readonly expired: number;
  /** The least that any token had left, in milliseconds; infinite is told as null. */
  readonly leastLeftMs: number | null;
  /** Calls not made, because too many were waiting. */
  readonly skipped: number;
  /** Tokens new to this process, by where it got them. */
  readonly fromRedis: number;
  readonly fromTokenEndpoint: number;
  /** Waiting times: bucket and how many. */
  readonly waits: readonly (readonly [bucket: number, calls: number])[];
  readonly longestWaitMs: number;
  /** When the last call came that failed; null if none did. */
  readonly lastFailedAt: number | null;
}

export type WorkerMessage =
  | { readonly type: "ready" }
  | WorkerReport
  | {
      /** A token request is about to be sent. */
      readonly type: "asked";
      readonly at: number;
      readonly endpoint: number;
      /** Whether the process was without its cache. */
      readonly alone: boolean;
    }
  | {
      /** What became of the token request. */
      readonly type: "answered";
      readonly endpoint: number;
      /** When the token expires; undefined if there is none. */
      readonly expiresAt: number | undefined;
    }
  | {
      readonly type: "cache";
      readonly at: number;
      /** Undefined: it works again. */
      readonly failure: string | undefined;
    };

/** What the fleet tells its processes. */
export type Command =
  | { readonly type: "task"; readonly task: WorkerTask }
  | { readonly type: "go" };

export interface ServerTask {
  readonly clients: readonly TestClient[];
  readonly lifeSeconds: number;
}

/** A request to the token endpoint, as the authorization server saw it. */
export interface TokenRequest {
  readonly at: number;
  readonly clientId: string;
  readonly status: number;
}

/** What the authorization server is told once it is listening. */
export interface ServerOrder {
  readonly isDown: boolean;
}

export type ServerMessage =
  | { readonly type: "listening"; readonly tokenUrl: string }
  | { readonly type: "requests"; readonly requests: readonly TokenRequest[] };

export type ProxyCommand =
  | { readonly type: "start"; readonly target: { readonly host: string; readonly port: number } }
  | { readonly type: "latency"; readonly ms: number };
