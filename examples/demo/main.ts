import { EndpointSecurity } from "endpoint-security";
import { latencyMs, startEnvironment } from "./environment.ts";
import type { Scene } from "./scene.ts";
import { scenes } from "./scenes.ts";
import { type Outcome, Table } from "./table.ts";
import { Tally } from "./tally.ts";

const start = performance.now();
await using production = await startEnvironment();
await using sandbox = await startEnvironment();

const table = new Table(scenes);
table.heading(
  `On this machine: oidc-provider issues tokens (${latencyMs} ms slower, as across a network), a backend
verifies them. Both twice: production and sandbox.`,
);

let failed = 0;
let skipped = 0;
for (const scene of scenes) {
  const missing = await scene.missing?.();
  if (missing !== undefined) {
    table.skipped(scene, missing);
    skipped++;
    continue;
  }
  table.running(scene);
  await using security = new EndpointSecurity();
  const tally = new Tally(security, [production, sandbox]);
  const outcome = await play(scene, security, tally);
  if (!outcome.ok) failed++;
  table.row(scene, tally, outcome);
}

const seconds = ((performance.now() - start) / 1000).toFixed(1);
const played = scenes.length - skipped;
table.verdict(
  failed === 0,
  failed === 0
    ? `All ${played} scenes went as they should, in ${seconds} s.`
    : `${failed} of ${played} scenes did not go as they should.`,
);
if (failed > 0) process.exitCode = 1;

async function play(scene: Scene, security: EndpointSecurity, tally: Tally): Promise<Outcome> {
  try {
    return { ok: true, note: await scene.run({ security, production, sandbox, tally }) };
  } catch (error) {
    return { ok: false, note: error instanceof Error ? error.message : String(error) };
  }
}
