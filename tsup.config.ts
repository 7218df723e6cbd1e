import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts", "src/axios.ts", "src/redis.ts", "src/undici.ts"],
  format: "esm",
  target: "node20.19",
  platform: "node",
  // Chunks keep what is imported dynamically (openid-client, jose) out of the main entry's way.
  splitting: true,
  treeshake: true,
  clean: true,
  sourcemap: false,
  removeNodeProtocol: false,
  // Two small libraries travel inside the build, so that installing stays small. What is bundled, types
  // included, has its licence in THIRD_PARTY_NOTICES.md; test/package/tarball.test.ts sees to it.
  noExternal: ["lru-cache", "leven"],
  dts: { resolve: ["@standard-schema/spec"] },
});
