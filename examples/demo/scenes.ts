import type { Scene } from "./scene.ts";
import { bothGrants } from "./scenes/both-grants.ts";
import { customParameter } from "./scenes/custom-parameter.ts";
import { expiredToken } from "./scenes/expired-token.ts";
import { oneRedis } from "./scenes/one-redis.ts";
import { productionAndSandbox } from "./scenes/production-and-sandbox.ts";
import { revokedToken } from "./scenes/revoked-token.ts";
import { thousandCallers } from "./scenes/thousand-callers.ts";
import { wrongSecret } from "./scenes/wrong-secret.ts";

/** One process, tokens in its memory. */
const inOneProcess: readonly Scene[] = [
  productionAndSandbox,
  bothGrants,
  customParameter,
  thousandCallers,
  expiredToken,
  revokedToken,
  wrongSecret,
];

/** Several processes, tokens in a cache that they share. */
const acrossProcesses: readonly Scene[] = [oneRedis];

export const scenes: readonly Scene[] = [...inOneProcess, ...acrossProcesses];
