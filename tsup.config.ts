import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts", "src/axios.ts"],
  format: "esm",
  target: "node20.19",
  platform: "node",
  splitting: true,
  treeshake: true,
  clean: true,
  sourcemap: false,
  // Two tiny libraries travel inside the build, so that installing stays small (docs/architecture.md).
  noExternal: ["lru-cache", "leven"],
  dts: { resolve: ["@standard-schema/spec"] },
});
