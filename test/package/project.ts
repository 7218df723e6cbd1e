import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const checkout = fileURLToPath(new URL("../../", import.meta.url));

export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "endpoint-security-"));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Files below a folder, with forward slashes. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

export interface Packed {
  readonly tarball: string;
  /** Paths in the tarball. */
  readonly files: readonly string[];
  /** Packages whose code is in the build. */
  readonly bundled: readonly string[];
}

/**
 * Builds and packs a copy of the checkout, so that neither a stale `dist` nor a build that runs
 * meanwhile has a say in it.
 */
export async function buildAndPack(folder: string): Promise<Packed> {
  const copy = join(folder, "copy");
  const left = new Set(["node_modules", ".git", "dist"]);
  await cp(checkout, copy, {
    recursive: true,
    filter: (file) => !left.has(relative(checkout, file)),
  });
  await symlink(join(checkout, "node_modules"), join(copy, "node_modules"), "dir");
  await node(["node_modules/tsup/dist/cli-default.js", "--silent", "--metafile"], copy);
  await node(["build/commonjs-declarations.js"], copy);
  const inputs = await Promise.all(["esm", "cjs"].map((format) => inputsOf(copy, format)));
  const packed = await npm(["pack", "--json", "--ignore-scripts"], copy);
  const [{ filename, files }] = JSON.parse(packed) as [
    { filename: string; files: readonly { path: string }[] },
  ];
  return {
    tarball: join(copy, filename),
    files: files.map(({ path }) => path),
    bundled: [...new Set(inputs.flat().flatMap(packageIn))].sort(),
  };
}

/** The files that went into a build, as its metafile says; the metafile is removed. */
async function inputsOf(copy: string, format: string): Promise<string[]> {
  const metafile = join(copy, "dist", `metafile-${format}.json`);
  const { inputs } = JSON.parse(await readFile(metafile, "utf8")) as { inputs: object };
  await rm(metafile);
  return Object.keys(inputs);
}

/** The package that a file came from, if it came from one. */
function packageIn(file: string): string[] {
  const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file) ?? [];
  return name === undefined ? [] : [name];
}

/** Writes files, and the folders they are in. */
export async function write(folder: string, files: Readonly<Record<string, string>>) {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** Runs the Node that runs the tests. */
export async function node(
  args: readonly string[],
  cwd: string,
): Promise<{ stdout: string; stderr: string }> {
  return finished(run(process.execPath, args, { cwd, env: ownEnvironment(), timeout: 120_000 }));
}

export async function npm(args: readonly string[], cwd: string): Promise<string> {
  const env = ownEnvironment();
  const { stdout } = await finished(run("npm", args, { cwd, env, timeout: 120_000 }));
  return stdout;
}

/** Fails with what the command said, which is more than its exit code. */
async function finished<T>(command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    const { message, stdout = "", stderr = "" } = error as Error & Record<string, string>;
    throw new Error(`${message}\n${stdout}\n${stderr}`);
  }
}

/** Without what npm and vitest put there for the command that runs the tests. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const foreign =
    /^(npm_(package|lifecycle|command|config_local_prefix)|INIT_CWD|NODE_OPTIONS|NODE_ENV|VITEST)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}
