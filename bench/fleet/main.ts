/**
 * A fleet of real processes with one real Redis and one real authorization server, in calm and in
 * chaos: `npm run bench:fleet`.
 *
 *   --processes=16        how many processes
 *   --endpoints=20        how many endpoints, each a client of the authorization server
 *   --seconds=66          how long: the cold start of all at once, calm, and for more than half of
 *                         it chaos
 *   --outage=15           how long after that the token endpoint answers 503, in seconds
 *   --life=10             of a token, in seconds
 *   --rate=50             calls a second of each process
 *   --cache-timeout=250   the library's cacheTimeoutMs, in milliseconds
 *   --cold                processes start as they are, and load with their first calls what they
 *                         need. Without it each is ready before it gets calls, since so many
 *                         loading at once on a few processors would measure just that
 *   --report-only         exit with 0, whatever was measured
 */
import { fork } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "tsup";
import { type RunningRedis, startRedis } from "../../test/servers/redis/redis-server.ts";
import { temporaryFolder } from "../../test/servers/redis/temporary-folder.ts";
import type { TestClient } from "../../test/servers/registry.ts";
import { Chaos, outage, type TokenEndpointSwitch } from "./chaos.ts";
import { Fleet } from "./fleet.ts";
import {
  type ServerMessage,
  type ServerOrder,
  type ServerTask,
  type TokenRequest,
  warmUpClient,
} from "./messages.ts";
import { Observed, type Phase } from "./observed.ts";
import { picture, Timeline } from "./picture.ts";
import { RedisCommands } from "./redis-commands.ts";
import { report } from "./report.ts";
import { startProxy } from "./start-proxy.ts";

const { values } = parseArgs({
  options: {
    processes: { type: "string", default: "16" },
    endpoints: { type: "string", default: "20" },
    seconds: { type: "string", default: "66" },
    outage: { type: "string", default: "15" },
    life: { type: "string", default: "10" },
    rate: { type: "string", default: "50" },
    "cache-timeout": { type: "string" },
    cold: { type: "boolean", default: false },
    "report-only": { type: "boolean", default: false },
  },
});

function positive(
  name: "processes" | "endpoints" | "seconds" | "outage" | "life" | "rate",
): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`--${name} must be a positive integer`);
  return value;
}

const settings = {
  processes: positive("processes"),
  endpoints: positive("endpoints"),
  seconds: positive("seconds"),
  outageSeconds: positive("outage"),
  lifeSeconds: positive("life"),
  callsPerSecond: positive("rate"),
  cacheTimeoutMs:
    values["cache-timeout"] === undefined ? undefined : Number(values["cache-timeout"]),
};
const checkout = fileURLToPath(new URL("../../", import.meta.url));
/** For the fleet to recover. */
const afterOutageMs = 5_000;
const onTerminal = process.stderr.isTTY === true;

function show(line: string): void {
  if (onTerminal) process.stderr.write(`\r\x1b[2K${line}`);
}

function bar(share: number): string {
  const full = Math.min(24, Math.round(share * 24));
  return `${"█".repeat(full)}${"░".repeat(24 - full)}`;
}

/** Compiled beforehand: sixteen processes with a loader would be busy with loading. */
async function compile(): Promise<string> {
  const folder = await temporaryFolder("fleet");
  await symlink(join(checkout, "node_modules"), join(folder, "node_modules"), "dir");
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await build({
    config: false,
    silent: true,
    entry: ["worker", "authorization-server", "proxy"].map((name) =>
      fileURLToPath(new URL(`./${name}.ts`, import.meta.url)),
    ),
    tsconfig: join(checkout, "tsconfig.json"),
    outDir: folder,
    format: "esm",
    target: "node20.19",
    splitting: true,
    noExternal: [/^endpoint-security/],
    external: [/^(?!endpoint-security)[@a-z]/],
  });
  return folder;
}

function client(clientId: string): TestClient {
  const grantTypes = ["client_credentials"];
  return { clientId, clientSecret: clientId, authMethod: "client_secret_basic", grantTypes };
}

interface Server extends TokenEndpointSwitch {
  readonly tokenUrl: string;
  kill(): void;
}

async function startAuthorizationServer(
  file: string,
  task: ServerTask,
  seen: (requests: readonly TokenRequest[]) => void,
): Promise<Server> {
  const child = fork(file, { execArgv: [] });
  process.once("exit", () => child.kill("SIGKILL"));
  const tokenUrl = await new Promise<string>((listening, failed) => {
    child.once("exit", (code) => failed(new Error(`the authorization server ended (${code})`)));
    child.on("message", (message: ServerMessage) => {
      if (message.type === "listening") listening(message.tokenUrl);
      else seen(message.requests);
    });
    child.send(task);
  });
  const be = (order: ServerOrder) => void child.send(order);
  return { tokenUrl, be, kill: () => child.kill("SIGKILL") };
}

async function measure(redis: RunningRedis): Promise<number> {
  const { callsPerSecond, cacheTimeoutMs, endpoints, lifeSeconds, processes, seconds } = settings;
  const { outageSeconds } = settings;
  show("compiling …");
  const folder = await compile();
  const proxy = await startProxy(join(folder, "proxy.js"), redis);
  const clients = Array.from({ length: endpoints }, (_, index) => client(`backend-${index}`));
  const record = new Observed(lifeSeconds);
  const server = await startAuthorizationServer(
    join(folder, "authorization-server.js"),
    { clients: [...clients, client(warmUpClient)], lifeSeconds },
    (requests) => {
      record.requests.push(...requests.filter(({ clientId }) => clientId !== warmUpClient));
    },
  );

  const longest: { readonly at: number; readonly ms: number }[] = [];
  const taken: { readonly at: number; readonly tokens: number }[] = [];
  const task = {
    redisUrl: proxy.url,
    tokenUrl: server.tokenUrl,
    clients,
    callsPerSecond,
    cacheTimeoutMs,
    cold: values.cold,
  };
  const fleet = new Fleet(join(folder, "worker.js"), task, (from, message) => {
    if (message.type === "report") {
      record.phaseAt(message.at)?.add(message);
      longest.push({ at: message.at, ms: message.longestWaitMs });
      taken.push({ at: message.at, tokens: message.fromRedis });
    } else if (message.type === "asked") {
      const { at, alone, endpoint } = message;
      const clientId = clients[endpoint]?.clientId ?? "";
      record.asks.push({ at, alone, worker: from.id, clientId });
      chaos.asked(from);
    } else if (message.type === "answered") {
      record.answered(from.id, clients[message.endpoint]?.clientId ?? "", message.expiresAt);
    } else if (message.type === "cache" && message.failure !== undefined) {
      const failures = record.phaseAt(message.at)?.cacheFailures;
      failures?.set(message.failure, (failures.get(message.failure) ?? 0) + 1);
    }
  });
  process.once("exit", () => fleet.stop());
  const commands = new RedisCommands(redis);
  const chaos = new Chaos(fleet, { redis, proxy }, commands, processes);

  await fleet.start(processes, (ready) => show(`starting ${ready} of ${processes} processes …`));
  await commands.look();
  commands.take();
  fleet.go();
  const coldStart = record.begin("cold start", 1);
  const { from: start } = coldStart;
  const alone = new Timeline(start);
  const restarting = new Timeline(start);
  const wholeMs = (seconds + outageSeconds) * 1_000 + afterOutageMs;
  const watch = setInterval(() => {
    const now = Date.now();
    alone.highest(now, fleet.alone);
    restarting.highest(now, processes - fleet.running);
    const calls = record.phases.reduce((all, phase) => all + phase.calls, 0);
    const share = (now - start) / wholeMs;
    const last = chaos.incidents.at(-1)?.what ?? "calm";
    show(
      `${bar(share)} ${calls.toLocaleString("en")} calls, ${record.requests.length} token requests · ${last}`,
    );
  }, 100);
  const count = setInterval(() => void commands.look(), 1_000);

  const next = async (phase: Phase) => {
    await commands.look();
    phase.commands = commands.take();
  };
  // The first life of all tokens, in a run that is long enough.
  const coldMs = Math.min(lifeSeconds, seconds * 0.2) * 1_000;
  await pause(coldMs);
  await next(coldStart);
  const calm = record.begin("calm", 1);
  await pause(seconds * 300);
  await next(calm);
  const rough = record.begin("chaos", 1.1);
  await chaos.run(seconds * 700 - coldMs);
  await next(rough);
  const down = record.begin("outage", Infinity);
  chaos.incidents.push(await outage(server, outageSeconds));
  await pause(afterOutageMs);
  await next(down);
  down.to = Date.now();
  // The last reports are on their way.
  await pause(2_500);
  clearInterval(watch);
  clearInterval(count);
  fleet.stop();
  server.kill();
  show("");

  const tokenRequests = new Timeline(start);
  for (const { at } of record.requests) tokenRequests.add(at, 1);
  const fromRedis = new Timeline(start);
  for (const { at, tokens } of taken) fromRedis.add(at, tokens);
  const longestWait = new Timeline(start);
  for (const { at, ms } of longest) longestWait.highest(at, ms);
  const results = join(checkout, "bench/results");
  await mkdir(results, { recursive: true });
  const load = `${processes} processes, ${endpoints} endpoints, tokens of ${lifeSeconds} s, ${processes * callsPerSecond} calls a second`;
  const drawing = picture({
    start,
    seconds: (down.to - start) / 1_000,
    calmSeconds: (rough.from - start) / 1_000,
    subtitle: load,
    incidents: chaos.incidents,
    tokenRequests,
    fromRedis,
    alone,
    restarting,
    longestWait,
  });
  await writeFile(join(results, "fleet.svg"), drawing);
  console.log(`${load}, on Node ${process.version}\n`);
  return report({ record, chaos, fleet, processes, endpoints });
}

// What was started ends with this process: exit handlers see to it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => process.exit(130));
}
show("starting Redis …");
const redis = await startRedis();
const missed = await measure(redis);
await redis.stop();
console.log(
  `\n${missed === 0 ? "Every goal met" : `${missed} goals missed`}; the picture is bench/results/fleet.svg`,
);
process.exit(missed > 0 && !values["report-only"] ? 1 : 0);
