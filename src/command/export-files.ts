import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { strFromU8, unzipSync } from "fflate";
import { parse } from "yaml";
import { isRecord } from "../checks/kinds.ts";
import { UsageError } from "./usage.ts";

/** A file of an export that may define an API. */
export interface ExportFile {
  /** For people: where it is. */
  readonly path: string;
  readonly text: string;
}

const largestFile = 5_000_000;
const isDefinition = /(^|\/)api\.(ya?ml|json)$/i;
const mayBeResource = /\.ya?ml$/i;
/** Of an export, but no API. */
const besides =
  /(^|\/)(api_meta|deployment_environments|api_params|params)\.ya?ml$|(^|\/)(Definitions|node_modules|Docs)\//i;

/** The definitions in a file, a folder or a zip. @throws UsageError if it has none */
export async function exportFiles(path: string): Promise<readonly ExportFile[]> {
  const kind = await stat(path).catch(() => undefined);
  if (kind === undefined) throw new UsageError(`the file or folder ${path} does not exist`);
  if (kind.isFile() && !/\.zip$/i.test(path)) {
    return [{ path, text: await readFile(path, "utf8") }];
  }
  const all = kind.isDirectory() ? await filesOf(path) : await zippedIn(path);
  const files = all.filter(
    ({ path: name, text }) => isDefinition.test(name) || isResource(name, text),
  );
  if (files.length === 0)
    throw new UsageError(`${path} contains neither an api.yaml nor a RestApi`);
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function filesOf(folder: string): Promise<readonly ExportFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => mayDefine(relative(folder, path).replaceAll("\\", "/")));
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(path, "utf8") })));
}

async function zippedIn(path: string): Promise<readonly ExportFile[]> {
  const zip = await readFile(path);
  const files = unzipSync(zip, {
    filter: ({ name, originalSize }) => mayDefine(name) && originalSize <= largestFile,
  });
  return Object.entries(files).map(([name, bytes]) => ({
    path: `${path}:${name}`,
    text: strFromU8(bytes),
  }));
}

function mayDefine(path: string): boolean {
  return (isDefinition.test(path) || mayBeResource.test(path)) && !besides.test(path);
}

/** A document of API Platform says what it is. */
function isResource(path: string, text: string): boolean {
  if (!mayBeResource.test(path) || !/^kind:/m.test(text)) return false;
  try {
    const value: unknown = parse(text, { maxAliasCount: 100, logLevel: "silent" });
    return isRecord(value) && isRecord(value.spec) && "upstream" in value.spec;
  } catch {
    return false;
  }
}
