import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startRedis } from "../test/servers/redis/redis-server.ts";
import { item } from "./item.ts";
import { atMost, count, milliseconds, type Result, times } from "./result.ts";
import { median } from "./side-by-side.ts";
import { startServer } from "./start-server.ts";

export interface FleetTask {
  readonly redisUrl: string;
  readonly tokenUrl: string;
  readonly callers: number;
}

interface Slowest {
  readonly ms: number;
  readonly requests: number;
}

const processes = 8;
const callers = 50;
const tokenLatencyMs = 50;
const rounds = 11;

await item(async (progress): Promise<readonly Result[]> => {
  const redis = await startRedis();
  const server = await startServer({ tokenLatencyMs });
  const task: FleetTask = { redisUrl: redis.url, tokenUrl: `${server.origin}/token`, callers };
  const requestsSoFar = async () =>
    Number(await (await fetch(`${server.origin}/token-requests`)).text());

  /** Eight new processes that have loaded everything and are connected, asked at once. @returns what the slowest took */
  async function slowest(who: string, clientId: string): Promise<Slowest> {
    const fleet: ChildProcess[] = [];
    for (let started = 0; started < processes; started++) {
      const child = fork(fileURLToPath(new URL("./fleet-process.js", import.meta.url)), [
        JSON.stringify(task),
      ]);
      await once(child, "message");
      fleet.push(child);
    }
    const before = await requestsSoFar();
    const answers = fleet.map((child) => once(child, "message"));
    for (const child of fleet) child.send({ who, clientId });
    const taken = (await Promise.all(answers)).map(([ms]) => Number(ms));
    const gone = fleet.map((child) => once(child, "exit"));
    for (const child of fleet) child.disconnect();
    await Promise.all(gone);
    return { ms: Math.max(...taken), requests: (await requestsSoFar()) - before };
  }

  const taken = { ours: [] as number[], "by-hand": [] as number[] };
  let mostRequests = 0;
  for (let round = 0; round < rounds; round++) {
    const order = ["ours", "by-hand"] as const;
    for (const who of round % 2 === 0 ? order : order.toReversed()) {
      const { ms, requests } = await slowest(who, `client-${round}`);
      taken[who].push(ms);
      if (who === "ours") mostRequests = Math.max(mostRequests, requests);
    }
    progress((round + 1) / rounds);
  }
  await redis.stop();
  const fleet = `${processes} processes × ${callers} cold callers over Redis`;
  const ratios = taken.ours.map((ms, round) => ms / (taken["by-hand"][round] ?? Number.NaN));
  return [
    atMost(`${fleet}: token requests`, mostRequests, 1, count),
    atMost(
      "… the slowest process, beside one request in each of openid-client by hand",
      median(ratios),
      // 110 ms beside 63.
      1.75,
      times,
      `${milliseconds(median(taken.ours))} beside ${milliseconds(median(taken["by-hand"]))}; token endpoint takes ${tokenLatencyMs} ms`,
    ),
  ];
});
