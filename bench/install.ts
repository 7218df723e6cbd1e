import { lstat, readdir } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { atMost, count, mebibytes, type Result } from "./result.ts";

/** Reads off the tree what it takes to have the package, in a project with nothing else. */
export async function installed(project: string): Promise<readonly Result[]> {
  const modules = join(project, "node_modules");
  const entries = await readdir(modules, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    // npm's own note of what it installed.
    .filter((file) => file !== join(modules, ".package-lock.json"));
  const sizes = await Promise.all(files.map(async (file) => (await lstat(file)).size));
  const packages = files
    .map((file) => rootOf(relative(modules, file)))
    .filter((name) => name !== undefined);
  const others = [...new Set(packages)].filter((name) => name !== "endpoint-security").sort();
  return [
    atMost("installed: other packages", others.length, 8, count, others.join(", ")),
    atMost(
      "installed: size",
      sizes.reduce((sum, size) => sum + size, 0),
      2.5 * 2 ** 20,
      mebibytes,
    ),
  ];
}

/** The folder of a package, if this is its package.json. */
function rootOf(file: string): string | undefined {
  const folder = dirname(file).split(sep).join("/");
  const isRoot = /^(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/@]+$/.test(folder);
  return isRoot && file.endsWith(`${sep}package.json`) ? folder : undefined;
}
