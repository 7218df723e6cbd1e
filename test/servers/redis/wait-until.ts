import { setTimeout as pause } from "node:timers/promises";

/** Asks again until `attempt` gives something truthy; a throw counts as "not yet". */
export async function waitUntil<T>(
  what: string,
  attempt: () => T | Promise<T>,
  timeoutMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  do {
    try {
      const answer = await attempt();
      if (answer) return answer;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await pause(20);
  } while (performance.now() < deadline);
  throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`, { cause: lastError });
}
