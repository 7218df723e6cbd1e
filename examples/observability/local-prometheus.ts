/** A real Prometheus on this machine, where the example needs yours. Nothing here is for copying. */
import {
  findPrometheus,
  type RunningPrometheus,
  startPrometheus,
} from "../../test/servers/prometheus.ts";

/** Where there is none, the example ends here. */
export async function startLocalPrometheus(
  options: Parameters<typeof startPrometheus>[1],
): Promise<RunningPrometheus> {
  const binary = await findPrometheus();
  if (binary !== undefined) return startPrometheus(binary, options);
  console.log("skipped: no prometheus on the PATH");
  process.exit(0);
}
