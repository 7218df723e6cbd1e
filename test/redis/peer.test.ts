import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const dataUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;

const withoutKeyvRedis = dataUrl(`
  export async function resolve(specifier, context, next) {
    if (!/^@keyv\\/redis|^@redis\\//.test(specifier)) return next(specifier, context);
    throw Object.assign(new Error("not found"), { code: "ERR_MODULE_NOT_FOUND" });
  }
`);
const register = dataUrl(
  `import { register } from "node:module"; register(${JSON.stringify(withoutKeyvRedis)});`,
);

it("Without @keyv/redis, endpoint-security/redis can be imported, and opening a cache says what to install", async () => {
  const script = fileURLToPath(new URL("without-peer.ts", import.meta.url));
  const args = ["--import", "tsx", "--import", register, script];
  const { stdout, stderr } = await run(process.execPath, args);
  const error: unknown = JSON.parse(stdout);
  expect(error).toMatchObject({ name: "ConfigurationError", code: "invalid_configuration" });
  expect(stdout).toContain("npm install @keyv/redis");
  // No call fails for it, so whoever listens to no events hears of it all the same.
  expect(stderr).toContain(
    "nothing is shared: invalid configuration: createRedisCache needs @keyv/redis",
  );
});
