/**
 * This library beside what people use instead, on the same work: `npm run bench:peers`. Every
 * measurement is a new process, and the peers take turns. The tables are left in
 * bench/results/peers.md as well.
 *
 *   --only=warm,outage   only these measurements, and "size"
 *   --rounds=3           how often each is measured; the median counts
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildAndPack, checkout, npm, temporaryFolder, write } from "../../test/package/project.ts";
import { startRedis } from "../../test/servers/redis/redis-server.ts";
import { median } from "../side-by-side.ts";
import { type Figures, tables } from "./tables.ts";

const peers = [
  "endpoint-security",
  "by-hand-map",
  "by-hand-redis",
  "badgateway",
  "google-auth-library",
  "msal-node",
  "core-rest-pipeline",
  "axios-interceptor",
  "simple-oauth2",
];
const measured = tables.map(({ what }) => what).filter((what) => what !== "size");
const { values } = parseArgs({
  options: {
    only: { type: "string" },
    rounds: { type: "string", default: "3" },
  },
});
const wanted = values.only?.split(",") ?? [...measured, "size"];
const rounds = Number(values.rounds);
/** These take nine seconds each, and count what doesn't change much. */
const onceOnly = new Set(["expiry", "outage"]);
const processes = 8;

function show(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${line}`);
}

const quietly = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"];

async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = files.map(
    async ({ parentPath, name }) => (await stat(join(parentPath, name))).size,
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** What `npm install` of a peer brings, alone in a folder. */
async function installed(folder: string, packages: readonly string[]): Promise<Figures> {
  await write(folder, { "package.json": '{ "private": true }' });
  await npm(["install", ...quietly, ...packages], folder);
  const lock = JSON.parse(await readFile(join(folder, "package-lock.json"), "utf8"));
  const bytes = await bytesBelow(join(folder, "node_modules"));
  return { packages: Object.keys(lock.packages).length - 1, bytes };
}

class Bench {
  readonly #project: string;
  readonly #origin: string;
  readonly #redisUrl: string;
  #clients = 0;

  constructor(project: string, origin: string, redisUrl: string) {
    this.#project = project;
    this.#origin = origin;
    this.#redisUrl = redisUrl;
  }

  async measure(what: string, peer: string): Promise<Figures> {
    await fetch(`${this.#origin}/calm`, { method: "PUT" });
    const clientId = `client-${this.#clients++}`;
    if (what === "fleet") return this.#fleet(peer, clientId);
    const [message] = await once(this.#start(what, peer, clientId), "message");
    return message.figures;
  }

  /** Several processes at once, each with fifty callers. */
  async #fleet(peer: string, clientId: string): Promise<Figures> {
    const fleet: ChildProcess[] = [];
    for (let started = 0; started < processes; started++) {
      const child = this.#start("fleet", peer, clientId);
      await once(child, "message");
      fleet.push(child);
    }
    await fetch(`${this.#origin}/calm`, { method: "PUT" });
    const latency = { method: "PUT", body: JSON.stringify({ latencyMs: 50 }) };
    await fetch(`${this.#origin}/mood`, latency);
    const answers = fleet.map((child) => once(child, "message"));
    for (const child of fleet) child.send("go");
    const taken = (await Promise.all(answers)).map(([{ figures }]) => Number(figures.ms));
    const seen = (await (await fetch(`${this.#origin}/seen`)).json()) as Figures;
    return { ms: Math.max(...taken), requests: seen.tokenRequests ?? Number.NaN };
  }

  #start(what: string, peer: string, clientId: string): ChildProcess {
    const sharing = peer === "by-hand-redis" || (what === "fleet" && peer === "endpoint-security");
    const redis = sharing ? { redisUrl: this.#redisUrl } : {};
    const task = JSON.stringify({ origin: this.#origin, clientId, ...redis });
    const execArgv = ["--expose-gc", "--max-semi-space-size=64"];
    const child = fork(join(this.#project, "measure.mjs"), [what, peer, task], {
      execArgv,
      cwd: this.#project,
    });
    child.once("exit", (code) => {
      if (code !== 0) child.emit("error", new Error(`${what} of ${peer} failed (${code})`));
    });
    return child;
  }
}

function middle(all: readonly Figures[]): Figures {
  const names = Object.keys(all[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(all.map((one) => one[name] ?? 0))]));
}

const folder = await temporaryFolder();
const redis = await startRedis();
try {
  show("building and packing …");
  const { tarball } = await buildAndPack(folder.path);
  show("installing …");
  const project = join(folder.path, "peers");
  await cp(join(checkout, "bench/peers"), project, { recursive: true });
  await npm(["install", ...quietly, tarball], project);
  const server = fork(join(project, "server.mjs"));
  const [port] = await once(server, "message");
  const bench = new Bench(project, `http://127.0.0.1:${port}`, redis.url);
  const found = new Map<string, Map<string, Figures>>();
  for (const what of measured.filter((name) => wanted.includes(name))) {
    const times = onceOnly.has(what) ? 1 : rounds;
    const all = new Map(peers.map((peer) => [peer, [] as Figures[]]));
    for (let round = 0; round < times; round++) {
      for (const peer of round % 2 === 0 ? peers : peers.toReversed()) {
        show(`${what}, round ${round + 1} of ${times}: ${peer}`);
        all.get(peer)?.push(await bench.measure(what, peer));
      }
    }
    found.set(what, new Map([...all].map(([peer, figures]) => [peer, middle(figures)])));
  }
  if (wanted.includes("size")) {
    const sizes = new Map<string, Figures>();
    for (const peer of peers) {
      show(`installing ${peer} alone …`);
      const { packages } = await import(join(project, "peers", `${peer}.mjs`));
      const names = packages.map((name: string) => (name === "endpoint-security" ? tarball : name));
      sizes.set(peer, await installed(join(folder.path, `alone-${peer}`), names));
    }
    found.set("size", sizes);
  }
  server.disconnect();
  show("");
  const text = tables
    .flatMap(({ what, title, row }) => {
      const of = found.get(what);
      if (of === undefined) return [];
      const heads = [title, ...Object.keys(row({}))];
      const rows = [...of].map(([peer, figures]) => [peer, ...Object.values(row(figures))]);
      const lines = [heads, heads.map(() => "---"), ...rows];
      return [lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n")];
    })
    .join("\n\n");
  const results = join(checkout, "bench/results");
  await mkdir(results, { recursive: true });
  await writeFile(join(results, "peers.md"), `${text}\n`);
  console.log(text);
} finally {
  await redis.stop();
  await folder.remove();
}
