import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (file: string) => fileURLToPath(new URL(`src/${file}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^endpoint-security$/, replacement: source("index.ts") },
      { find: /^endpoint-security\/axios$/, replacement: source("axios.ts") },
      { find: /^endpoint-security\/azure$/, replacement: source("azure.ts") },
      { find: /^endpoint-security\/google$/, replacement: source("google.ts") },
      { find: /^endpoint-security\/opentelemetry$/, replacement: source("opentelemetry.ts") },
      { find: /^endpoint-security\/redis$/, replacement: source("redis.ts") },
      { find: /^endpoint-security\/testing$/, replacement: source("testing.ts") },
      { find: /^endpoint-security\/undici$/, replacement: source("undici.ts") },
      { find: /^endpoint-security\/wso2$/, replacement: source("wso2.ts") },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/servers/built-processes.ts",
    typecheck: { enabled: true, include: ["test/**/*.test-d.ts"], tsconfig: "./tsconfig.json" },
    // Long enough for a machine that is busy with something else.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Files share nothing; the longest go first, so that none is left to one processor at the end.
    sequence: { shuffle: { tests: true, files: false } },
    // Many tests wait for other processes: one worker more than there are processors keeps these busy.
    maxWorkers: availableParallelism() + 1,
  },
});
