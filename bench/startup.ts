import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { item } from "./item.ts";
import { atMost, milliseconds, type Result, times } from "./result.ts";
import { median } from "./side-by-side.ts";
import { startServer } from "./start-server.ts";

const run = promisify(execFile);
const unwanted = /^(axios|undici|redis|ioredis|@redis\/.*|@keyv\/redis)$/;

const file = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url));

/** Runs a new Node. */
async function node(name: string, ...args: readonly string[]): Promise<string> {
  return (await run(process.execPath, [file(name), ...args])).stdout;
}

/** Milliseconds of an import, as the process itself sees it, and of the whole process. */
async function importing(specifier: string) {
  const start = performance.now();
  const itself = Number(await node("startup-import", specifier));
  return { itself, whole: performance.now() - start };
}

function packageIn(url: string): string | undefined {
  return /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
}

await item(async (progress): Promise<readonly Result[]> => {
  const server = await startServer();
  const pairs = 21;
  const imports: { readonly itself: number; readonly whole: number }[] = [];
  const headers: number[] = [];
  const alone: number[] = [];
  /** Something known to compare the machine by. */
  const yardstick: number[] = [];
  for (let pair = 0; pair <= pairs; pair++) {
    const order = ["./empty.js", "endpoint-security"];
    if (pair % 2 === 1) order.reverse();
    const taken = new Map<string, { readonly itself: number; readonly whole: number }>();
    for (const specifier of order) taken.set(specifier, await importing(specifier));
    const header = Number(await node("startup-header", server.origin));
    const empty = taken.get("./empty.js");
    const main = taken.get("endpoint-security");
    // The first of all reads the files from the disk.
    if (pair === 0 || empty === undefined || main === undefined) continue;
    imports.push({ itself: main.itself - empty.itself, whole: main.whole - empty.whole });
    headers.push(header);
    alone.push(Number(await node("startup-alone", server.origin)));
    yardstick.push((await importing("openid-client")).itself);
    progress(pair / pairs);
  }
  const [, list = "[]"] = (await node("startup-modules", server.origin)).split("\n");
  const loaded = (JSON.parse(list) as string[]).map(packageIn).filter((name) => name !== undefined);
  const packages = [...new Set(loaded)].sort();
  if (!packages.includes("endpoint-security")) throw new Error("no module was seen to be loaded");
  const strangers = packages.filter((name) => unwanted.test(name));
  const ours = imports.map((one) => one.itself);
  const shares = ours.map((ms, pair) => ms / (yardstick[pair] ?? Number.NaN));
  const ratios = headers.map((header, pair) => header / (alone[pair] ?? Number.NaN));
  const whole = median(imports.map((one) => one.whole));
  return [
    atMost(
      "import of the main entry, beside that of openid-client",
      median(shares),
      0.6,
      times,
      `${milliseconds(median(ours))} beside ${milliseconds(median(yardstick))}, over an empty module; the whole process ${milliseconds(whole)}`,
    ),
    atMost(
      "import to first header, beside openid-client by hand",
      median(ratios),
      1.25,
      times,
      `${milliseconds(median(headers))} beside ${milliseconds(median(alone))}`,
    ),
    {
      what: "loaded of axios, undici and Redis by then",
      measured: strangers.join(", ") || "none",
      goal: "none",
      met: strangers.length === 0,
      aside: `loaded are ${packages.join(", ")}`,
    },
  ];
});
