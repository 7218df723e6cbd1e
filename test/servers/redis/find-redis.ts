import { installPackage } from "../install-package.ts";
import { findOnPath } from "./find-on-path.ts";

export interface FoundRedis {
  readonly path: string;
  readonly how: "path" | "installed";
}

export interface MissingRedis {
  readonly missing: string;
}

let search: Promise<FoundRedis | MissingRedis> | undefined;

/** The redis-server binary, installed first where that is possible. Searched once per process. */
export function findRedisServer(): Promise<FoundRedis | MissingRedis> {
  search ??= lookFor("redis-server");
  return search;
}

/** For suites that need a server of their own: a missing Redis fails them in CI, skips elsewhere. */
export async function redisServerForTests(): Promise<FoundRedis | { readonly skipped: string }> {
  const found = await findRedisServer();
  return "missing" in found ? skipUnlessCi(found.missing) : found;
}

/** CI must never pass by leaving the Redis tests out. */
export function skipUnlessCi(reason: string): { readonly skipped: string } {
  const message = `No Redis for the tests: ${reason}`;
  if (process.env.CI === "true") throw new Error(message);
  return { skipped: message };
}

async function lookFor(name: string): Promise<FoundRedis | MissingRedis> {
  const onPath = await findOnPath(name);
  if (onPath) return { path: onPath, how: "path" };
  const failure = await installPackage("redis-server", "redis-server");
  if (failure) return { missing: `${name}: ${failure.missing}` };
  const installed = await findOnPath(name);
  return installed
    ? { path: installed, how: "installed" }
    : { missing: `${name}: installed, yet not on the PATH` };
}
