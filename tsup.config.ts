import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, isAbsolute } from "node:path";
import { transform } from "esbuild";
import { rollup } from "rollup";
import { defineConfig, type Options } from "tsup";

type PluginBuild = Parameters<NonNullable<Options["esbuildPlugins"]>[number]["setup"]>[0];

/** What people import. */
const entry = [
  "src/index.ts",
  "src/axios.ts",
  "src/azure.ts",
  "src/google.ts",
  "src/opentelemetry.ts",
  "src/redis.ts",
  "src/testing.ts",
  "src/undici.ts",
  "src/wso2.ts",
];

const common = {
  entry,
  target: "node20.19",
  platform: "node",
  treeshake: true,
  sourcemap: false,
  removeNodeProtocol: false,
} as const;

/**
 * What builds upon the whole library takes it from the main entry: another copy in a file of its own would
 * be large, and its classes others.
 */
const mainEntryOutside = {
  name: "main entry outside",
  setup(build: PluginBuild) {
    const filter = /\/(?:endpoint-security|errors|parse-endpoint-config)\.ts$/;
    build.onResolve({ filter }, ({ importer }) =>
      /\/src\/(?:testing|wso2)(?:\.ts|\/)/.test(importer.replaceAll("\\", "/"))
        ? { path: "./index.cjs", external: true }
        : undefined,
    );
  },
};

export default defineConfig([
  {
    ...common,
    entry: { ...named(entry), command: "src/command/main.ts" },
    format: "esm",
    // Chunks keep what is imported dynamically (openid-client, jose) out of the main entry's way.
    splitting: true,
    clean: true,
    // Small libraries travel inside the build, so that installing stays small. What is bundled, types
    // included, has its licence in THIRD_PARTY_NOTICES.md; test/package/tarball.test.ts sees to it.
    noExternal: ["@clack/prompts", "fflate", "lru-cache", "leven"],
    dts: { entry: named(entry), resolve: ["@standard-schema/spec"] },
    onSuccess: oneChunk,
  },
  {
    ...common,
    format: "cjs",
    // For Jest, ts-jest and NestJS, whose require() can't load ES modules: the dependencies that are
    // nothing else are inside, and no import() is left.
    noExternal: ["lru-cache", "leven", "openid-client", "oauth4webapi", "jose", "p-memoize"],
    minify: true,
    esbuildPlugins: [mainEntryOutside],
    esbuildOptions(options) {
      options.supported = { "dynamic-import": false };
    },
  },
]);

/** The entries by their names in `dist`. */
function named(files: readonly string[]): Record<string, string> {
  return Object.fromEntries(files.map((file) => [basename(file, ".ts"), file]));
}

/** What the entries share in one file instead of a dozen: each costs a start more than a millisecond. */
async function oneChunk(): Promise<void> {
  const files = (await readdir("dist")).filter((file) => file.endsWith(".js"));
  const texts = new Map<string, string>();
  for (const file of files) texts.set(file, await readFile(`dist/${file}`, "utf8"));
  const bundle = await rollup({
    input: [
      "index",
      "axios",
      "azure",
      "google",
      "opentelemetry",
      "redis",
      "testing",
      "undici",
      "wso2",
      "command",
    ].map((name) => `./dist/${name}.js`),
    external: (id) => !id.startsWith(".") && !isAbsolute(id),
    treeshake: false,
  });
  for (const file of files) await rm(`dist/${file}`);
  await bundle.write({
    dir: "dist",
    format: "esm",
    chunkFileNames: "[name].js",
    // But for what brings a library along that has to wait for its time.
    manualChunks: (id) =>
      basename(id).startsWith("chunk-") && !waits(basename(id), texts) ? "shared" : undefined,
  });
  await shorten();
}

/** Whether a file, or one that it imports, brings along a library that only some need. */
function waits(file: string, texts: ReadonlyMap<string, string>): boolean {
  const text = texts.get(file) ?? "";
  if (/from ['"](?:jose|openid-client|smol-toml|yaml)|^\/\/ src\/command\//m.test(text))
    return true;
  const imported = [...text.matchAll(/^(?:import|.* from) ['"]\.\/(.*)['"];$/gm)];
  return imported.some(([, name = ""]) => waits(name, texts));
}

/** Everybody installs it: without comments, and what nobody debugs into (command and import) as short as can be. */
async function shorten(): Promise<void> {
  for (const file of (await readdir("dist")).filter((name) => name.endsWith(".js"))) {
    const text = await readFile(`dist/${file}`, "utf8");
    const minify = /^\/\/ src\/(?:command|wso2)\//m.test(text);
    const { code } = await transform(text, { minify, target: common.target, format: "esm" });
    await writeFile(`dist/${file}`, code);
  }
}
