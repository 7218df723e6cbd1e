import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");

/** The metrics of a file that has queries, as OpenTelemetry calls them. */
function metricsIn(text: string): readonly string[] {
  const suffix = /(\(_seconds\)\?)?(_(count|bucket|sum|total))?$/;
  const found = text.matchAll(/\bendpoint_security_[a-z_]+(\(_seconds\)\?)?[a-z_]*/g);
  return [...found].map(([name]) => name.replace(suffix, ""));
}

describe("Every metric and label", () => {
  it.each(["alerts.yml", "grafana-dashboard.json"])("in %s is reported", async (file) => {
    const source = await read("src/opentelemetry/metrics.ts");
    const names = await read("src/opentelemetry/attributes.ts");
    const reported = [...source.matchAll(/"(endpoint_security\.[a-z_.]+)"/g)].map(([, name = ""]) =>
      name.replaceAll(".", "_"),
    );
    const labels = [...names.matchAll(/"(endpoint_security\.[a-z_.]+)"/g)].map(([, name = ""]) =>
      name.replaceAll(".", "_"),
    );
    const used = metricsIn(await read(`examples/observability/${file}`));
    expect(used.length).toBeGreaterThan(5);
    expect(used.filter((name) => !reported.includes(name) && !labels.includes(name))).toEqual([]);
  });

  it("of the page is one that is reported, and none is missing", async () => {
    const source = await read("src/opentelemetry/metrics.ts");
    const reported = [...source.matchAll(/"(endpoint_security\.[a-z_.]+)", \{/g)].map(
      ([, name]) => name,
    );
    const page = await read("docs/observability.md");
    const documented = [
      ...page.matchAll(/^\| `(endpoint_security\.[a-z_.]+)` +\| (?:histogram|counter|gauge)/gm),
    ];
    expect(documented.map(([, name]) => name).sort()).toEqual(reported.sort());
  });
});
