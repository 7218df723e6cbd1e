import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { createTokenEndpoint, type TokenEndpointOptions } from "endpoint-security/testing";
import { onTestFinished, vi } from "vitest";
import type { CheckedEndpoint } from "../../src/command/check/check-endpoint.ts";
import type { Step } from "../../src/command/check/step.ts";
import { check } from "../../src/command/check.ts";

/** A file in a folder of its own, removed after the test. @returns its path */
export async function fileWith(content: string | object, name = "endpoints.json"): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "endpoint-security-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

/** Runs the command. @returns its exit code and what it printed */
export async function printedBy(...args: readonly string[]) {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    const code = await check(args);
    const lines = log.mock.calls.map(([line]) => stripVTControlCharacters(String(line)));
    return { code, printed: lines.join("\n") };
  } finally {
    log.mockRestore();
  }
}

/** Checks one configuration. @returns its exit code, its steps by name, and what came of each */
export async function checked(config: object, ...args: readonly string[]) {
  const path = await fileWith({ endpoints: { orders: config } });
  const { code, printed } = await printedBy(path, "--json", ...args);
  const [one] = JSON.parse(printed) as CheckedEndpoint[];
  const steps = one?.steps ?? [];
  const step = (name: Step["step"]) => steps.find((taken) => taken.step === name);
  const statuses = Object.fromEntries(steps.map(({ step: name, status }) => [name, status]));
  return { code, printed, step, statuses };
}

/** A token endpoint with a backend, and a configuration that works with them. */
export async function working(options?: TokenEndpointOptions) {
  const idp = await createTokenEndpoint(options);
  onTestFinished(() => idp.close());
  const orders = {
    url: idp.resourceUrl,
    grantType: "client_credentials",
    tokenUrl: idp.tokenUrl,
    clientId: "checkout",
    clientSecret: "canary-secret",
    tokenRequest: { retries: 0 },
  } as const;
  return { idp, orders };
}
