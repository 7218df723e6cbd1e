import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installPackage } from "./install-package.ts";
import { findOnPath } from "./redis/find-on-path.ts";
import { freePort } from "./redis/free-port.ts";
import { waitUntil } from "./redis/wait-until.ts";

interface PrometheusOptions {
  /** What it scrapes, once a second: host and port. */
  readonly target: string;
  /** A file of alerting rules. */
  readonly alerts: string;
  /** What the rules wait for before they fire, instead of what they say. */
  readonly holdFor: string;
}

/** An alert that is pending or firing. */
interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state: "pending" | "firing";
  readonly annotations: Readonly<Record<string, string>>;
}

/** A series of values over time. */
interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [seconds: number, value: string])[];
}

export interface RunningPrometheus extends AsyncDisposable {
  alerts(): Promise<readonly Alert[]>;
  /** The values of a query, second by second. */
  range(query: string, from: Date, to: Date): Promise<readonly Series[]>;
}

/** The binary. In CI it is installed first, or this throws; elsewhere undefined where there is none. */
export async function findPrometheus(): Promise<string | undefined> {
  const found = await findOnPath("prometheus");
  if (found !== undefined || process.env.CI !== "true") return found;
  const failure = await installPackage("prometheus", "prometheus");
  if (failure !== undefined) throw new Error(`prometheus: ${failure.missing}`);
  return findOnPath("prometheus");
}

/** A real Prometheus on loopback, with its data in a folder that is removed in the end. */
export async function startPrometheus(
  binary: string,
  { target, alerts, holdFor }: PrometheusOptions,
): Promise<RunningPrometheus> {
  const folder = await mkdtemp(join(tmpdir(), "prometheus-"));
  const rules = (await readFile(alerts, "utf8")).replaceAll(/^( +for:) .*$/gm, `$1 ${holdFor}`);
  await writeFile(join(folder, "alerts.yml"), rules);
  const config = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: ["alerts.yml"],
    scrape_configs: [{ job_name: "checkout", static_configs: [{ targets: [target] }] }],
  };
  // JSON is YAML.
  await writeFile(join(folder, "prometheus.yml"), JSON.stringify(config));
  const port = await freePort();
  const args = [
    `--config.file=${join(folder, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--log.level=error",
  ];
  const child = spawn(binary, args, { stdio: "ignore" });
  const exited = once(child, "exit");
  const get = async (path: string): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    const { data } = (await response.json()) as { data: unknown };
    return data;
  };
  const isReady = () =>
    fetch(`http://127.0.0.1:${port}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await waitUntil("Prometheus", isReady);
  return {
    alerts: async () => ((await get("/api/v1/alerts")) as { alerts: Alert[] }).alerts,
    range: async (query, from, to) => {
      const parameters = new URLSearchParams({
        query,
        start: String(from.getTime() / 1_000),
        end: String(to.getTime() / 1_000),
        step: "1",
      });
      return ((await get(`/api/v1/query_range?${parameters}`)) as { result: Series[] }).result;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
