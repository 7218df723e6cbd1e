import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { fixtureUser, socketPath } from "./redis-config.ts";

const run = promisify(execFile);

/** Raw output without the last line break; an error reply rejects. */
export async function redisCli(dir: string, args: readonly string[]): Promise<string> {
  // The unix socket needs no TLS flags and still answers when a test breaks the TCP side.
  const flags = ["-e", "-s", socketPath(dir), "--user", fixtureUser.username];
  const { stdout } = await run("redis-cli", [...flags, ...args], {
    // Through the environment: arguments show up in process lists.
    env: { ...process.env, REDISCLI_AUTH: fixtureUser.password },
    timeout: 10_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout.replace(/\n$/, "");
}

/** One field of INFO (or of CLUSTER INFO). */
export function infoField(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
}
