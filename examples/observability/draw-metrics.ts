/** Draws what Prometheus saw, as the dashboard shows it. */
import { type Chart, type Series, svg } from "../../bench/chart.ts";
import type { RunningPrometheus } from "../../test/servers/prometheus.ts";

interface Times {
  readonly began: Date;
  readonly outageBegan: Date;
  readonly outageEnded: Date;
}

interface Panel {
  readonly title: string;
  readonly y: string;
  readonly query: string;
  /** The label that tells the series apart. */
  readonly by: string;
}

const panels: readonly Panel[] = [
  {
    title: "Endpoints by state",
    y: "endpoints",
    query: "endpoint_security_endpoints",
    by: "endpoint_security_state",
  },
  {
    title: "Time until the token expires",
    y: "seconds",
    query: '{__name__=~"endpoint_security_token_time_to_expiry(_seconds)?"}',
    by: "endpoint_security_endpoint",
  },
  {
    title: "Token requests",
    y: "a second",
    query:
      'sum by (endpoint_security_outcome) (rate({__name__=~"endpoint_security_token_request_duration(_seconds)?_count"}[3s]))',
    by: "endpoint_security_outcome",
  },
  {
    title: "Alerts that fire",
    y: "alerts",
    query: 'sum by (alertname) (ALERTS{alertstate="firing"})',
    by: "alertname",
  },
];

export async function drawMetrics(
  prometheus: RunningPrometheus,
  { began, outageBegan, outageEnded }: Times,
): Promise<string> {
  const start = Math.round(began.getTime() / 1_000);
  const from = new Date(start * 1_000);
  const until = new Date();
  const count = Math.floor((until.getTime() - from.getTime()) / 1_000);
  const seconds = Array.from({ length: count }, (_, index) => start + index);
  const at = (date: Date) => (date.getTime() - began.getTime()) / 1_000;
  const spans = [{ from: at(outageBegan), to: at(outageEnded), label: "outage" }];
  const charts = panels.map(async ({ title, y, query, by }): Promise<Chart> => {
    const found = await prometheus.range(query, from, until);
    const series = found
      .filter(({ values }) => values.some(([, value]) => Number(value) !== 0))
      .map(({ metric, values }): Series => {
        const bySecond = new Map(values.map(([time, value]) => [Math.round(time), Number(value)]));
        // Where Prometheus has no value there was none: no request, no alert.
        const points = seconds.map((second, index) => [index, bySecond.get(second) ?? 0] as const);
        return { name: metric[by] ?? "", points, stepped: true };
      });
    return { title, x: "seconds", y, series, spans };
  });
  return svg({
    title: "endpoint-security in Prometheus",
    subtitle: "An outage of the token endpoint, with tokens that live for 4 s",
    charts: await Promise.all(charts),
    columns: 2,
  });
}
