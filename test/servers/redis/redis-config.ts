import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** PEM texts, as `makeCertificates()` gives them. */
export interface RedisTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly requireClientCertificate?: boolean | undefined;
}

export interface RedisOptions {
  /** Password of the default user (`requirepass`). */
  readonly password?: string | undefined;
  /** ACL users, one rule each: `"app on >secret ~app:* +@read"`. */
  readonly users?: readonly string[] | undefined;
  /** The server then speaks TLS only. */
  readonly tls?: RedisTls | undefined;
  readonly databases?: number | undefined;
  readonly maxmemory?: string | undefined;
  /** More directives; the value is written as is, `""` must be quoted: `{ save: '""' }`. */
  readonly config?: Readonly<Record<string, string>> | undefined;
  readonly port?: number | undefined;
  /** Raw lines at the end, for directives that repeat. */
  readonly lines?: readonly string[] | undefined;
  /** Run as a sentinel. */
  readonly sentinel?: boolean | undefined;
}

/** The fixture's own user: `cli()` and `dump()` work whatever a test does to the other users. */
export const fixtureUser = {
  username: "fixture",
  password: randomBytes(16).toString("hex"),
} as const;

export const configPath = (dir: string) => join(dir, "redis.conf");
export const socketPath = (dir: string) => join(dir, "redis.sock");
export const logPath = (dir: string) => join(dir, "redis.log");

/** Written once: Redis and Sentinel rewrite it themselves, and a restart must keep that. */
export async function writeConfig(dir: string, port: number, options: RedisOptions): Promise<void> {
  const directives: Record<string, string> = {
    bind: "127.0.0.1",
    port: String(port),
    dir: JSON.stringify(dir),
    unixsocket: JSON.stringify(socketPath(dir)),
    daemonize: "no",
    ...(options.sentinel ? {} : { save: '""', appendonly: "no" }),
    ...(options.password === undefined ? {} : { requirepass: JSON.stringify(options.password) }),
    ...(options.databases === undefined ? {} : { databases: String(options.databases) }),
    ...(options.maxmemory === undefined ? {} : { maxmemory: options.maxmemory }),
    ...(options.tls ? await tlsDirectives(dir, port, options.tls) : {}),
    ...options.config,
  };
  const lines = [
    ...Object.entries(directives).map(([name, value]) => `${name} ${value}`),
    `user ${fixtureUser.username} on >${fixtureUser.password} ~* &* +@all`,
    ...(options.users ?? []).map((rule) => `user ${rule}`),
    ...(options.lines ?? []),
  ];
  await writeFile(configPath(dir), `${lines.join("\n")}\n`, { mode: 0o600 });
}

async function tlsDirectives(
  dir: string,
  port: number,
  tls: RedisTls,
): Promise<Record<string, string>> {
  const file = async (name: string, pem: string) => {
    const path = join(dir, name);
    await writeFile(path, pem, { mode: 0o600 });
    return JSON.stringify(path);
  };
  return {
    port: "0",
    "tls-port": String(port),
    "tls-ca-cert-file": await file("ca.pem", tls.ca),
    "tls-cert-file": await file("server.pem", tls.cert),
    "tls-key-file": await file("server.key", tls.key),
    "tls-auth-clients": tls.requireClientCertificate ? "yes" : "no",
  };
}
