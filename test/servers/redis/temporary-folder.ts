import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders = new Set<string>();
let watchingForExit = false;

/** A folder only this user may read (it can hold keys), removed at exit if nobody did before. */
export async function temporaryFolder(label: string): Promise<string> {
  if (!watchingForExit) process.once("exit", removeAll);
  watchingForExit = true;
  const folder = await mkdtemp(join(tmpdir(), `${label}-`));
  folders.add(folder);
  return folder;
}

export async function removeFolder(folder: string): Promise<void> {
  folders.delete(folder);
  // A server killed a moment ago may still have been writing.
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}

function removeAll(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
