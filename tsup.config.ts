import { readdir, readFile, rm } from "node:fs/promises";
import { basename, isAbsolute } from "node:path";
import { rollup } from "rollup";
import { defineConfig } from "tsup";

export default defineConfig({
  entry: [
    "src/index.ts",
    "src/axios.ts",
    "src/azure.ts",
    "src/google.ts",
    "src/redis.ts",
    "src/undici.ts",
  ],
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
  onSuccess: oneChunk,
});

/** What the entries share in one file instead of a dozen: each costs a start more than a millisecond. */
async function oneChunk(): Promise<void> {
  const files = (await readdir("dist")).filter((file) => file.endsWith(".js"));
  const texts = new Map<string, string>();
  for (const file of files) texts.set(file, await readFile(`dist/${file}`, "utf8"));
  const bundle = await rollup({
    input: ["index", "axios", "azure", "google", "redis", "undici"].map(
      (name) => `./dist/${name}.js`,
    ),
    external: (id) => !id.startsWith(".") && !isAbsolute(id),
    treeshake: false,
  });
  for (const file of files) await rm(`dist/${file}`);
  await bundle.write({
    dir: "dist",
    format: "esm",
    chunkFileNames: "[name].js",
    // But for what brings a library along that has to wait for its time.
    manualChunks: (id) => {
      const text = texts.get(basename(id)) ?? "";
      const isShared = basename(id).startsWith("chunk-");
      return isShared && !/from ['"](?:jose|openid-client)/.test(text) ? "shared" : undefined;
    },
  });
}
