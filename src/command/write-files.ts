import { access, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UsageError } from "./usage.ts";

interface WrittenFile {
  readonly path: string;
  readonly content: string;
}

/**
 * The files of a module with configurations.
 * @param variables what each environment variable is for.
 */
export function moduleFiles(
  out: string,
  module: string,
  variables: ReadonlyMap<string, string>,
): readonly WrittenFile[] {
  const lines = [...variables].map(([name, path]) => `# ${path}\n${name}=\n`);
  const example = { path: join(dirname(out), ".env.example"), content: lines.join("") };
  return [{ path: out, content: module }, ...(lines.length === 0 ? [] : [example])];
}

/** @throws UsageError where a file is there already, unless `force` */
export async function checkFree(files: readonly { path: string }[], force: boolean): Promise<void> {
  if (force) return;
  for (const { path } of files) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) throw new UsageError(`${path} is there already; --force overwrites it`);
  }
}

/** @returns the paths. @throws UsageError where a file is there already, unless `force` */
export async function writeFiles(
  files: readonly WrittenFile[],
  force: boolean,
): Promise<readonly string[]> {
  await checkFree(files, force);
  for (const { path, content } of files) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  return files.map(({ path }) => path);
}
