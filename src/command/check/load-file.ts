import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isRecord } from "../../checks/kinds.ts";
import type { RedisCacheOptions } from "../../redis.ts";
import { UsageError } from "../usage.ts";
import type { LoadedFile, WrittenEndpoint } from "./loaded-file.ts";

const modules = new Set([".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"]);

/** @throws UsageError if the file can't be read, or has no endpoint */
export async function loadFile(path: string): Promise<LoadedFile> {
  const loaded = modules.has(extname(path)) ? ofModule(await imported(path)) : await ofText(path);
  if (loaded.endpoints.length === 0) {
    throw new UsageError(
      `${path} has no endpoint configuration; see docs/check.md for what it may hold`,
    );
  }
  return loaded;
}

async function ofText(path: string): Promise<LoadedFile> {
  const text = await readFile(path, "utf8").catch(() => {
    throw new UsageError(`the file ${path} does not exist`);
  });
  const document = extname(path) === ".json" ? json(text, path) : await yaml(text, path);
  if (isOfWso2(document)) return { endpoints: await ofWso2(document) };
  if (isRecord(document) && isRecord(document.endpoints)) {
    return { endpoints: named(Object.entries(document.endpoints)) };
  }
  if (!isRecord(document)) throw new UsageError(`${path} must hold an object`);
  const name = typeof document.name === "string" ? document.name : "endpoint";
  return { endpoints: [{ name, config: document }] };
}

/** A configuration without a name gets the one that it has in its file. */
function named(entries: readonly (readonly [string, unknown])[]): readonly WrittenEndpoint[] {
  return entries.map(([name, config]) => ({
    name,
    config: isRecord(config) ? { name, ...config } : config,
  }));
}

function json(text: string, path: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    // Its message may quote the file, and so a secret.
    const place = /position \d+(?: \(line \d+ column \d+\))?/.exec(String(error))?.[0];
    throw new UsageError(`${path} is not JSON${place === undefined ? "" : ` (${place})`}`);
  }
}

async function yaml(text: string, path: string): Promise<unknown> {
  const { readDocument } = await import("../../wso2/document.ts");
  return readDocument(text, path);
}

/** An export of API Manager or API Platform. */
function isOfWso2(document: unknown): boolean {
  if (!isRecord(document)) return false;
  const { data, spec, endpointConfig } = document;
  return (
    endpointConfig !== undefined ||
    (isRecord(data) && "endpointConfig" in data) ||
    (isRecord(spec) && "upstream" in spec)
  );
}

async function ofWso2(document: unknown): Promise<readonly WrittenEndpoint[]> {
  const { readExport } = await import("./wso2-export.ts");
  return readExport(document as object);
}

async function imported(path: string): Promise<Readonly<Record<string, unknown>>> {
  const file = pathToFileURL(resolve(path)).href;
  const isTypeScript = /^\.[cm]?ts$/.test(extname(path));
  // Node.js 22.18 and later read TypeScript themselves.
  if (!isTypeScript || Reflect.get(process.features, "typescript")) return import(file);
  const { createJiti } = await import("jiti").catch(() => {
    throw new UsageError(
      "Node.js reads TypeScript from 22.18 on; with this version: npm install --save-dev jiti",
    );
  });
  return createJiti(import.meta.url, { interopDefault: false }).import(file);
}

/** The endpoints that a module exports, also those in objects; and `redis`, `grants`, `defaults`. */
function ofModule(exported: Readonly<Record<string, unknown>>): LoadedFile {
  const { redis, grants, defaults, ...others } = exported;
  return {
    endpoints: Object.entries(others).flatMap(([name, value]) =>
      endpointsIn(name === "default" ? "" : name, value),
    ),
    ...(isRecord(redis) && { redis: redis as object as RedisCacheOptions }),
    ...(Array.isArray(grants) && { grants }),
    ...(isRecord(defaults) && { defaults }),
  };
}

function endpointsIn(name: string, value: unknown): readonly WrittenEndpoint[] {
  if (!isRecord(value)) return [];
  if (isEndpoint(value)) return [endpointOf(value, name)];
  return Object.entries(value).flatMap(([stage, one]) =>
    isRecord(one) && isEndpoint(one) ? [endpointOf(one, `${name} ${stage}`.trim())] : [],
  );
}

function endpointOf(
  config: Readonly<Record<string, unknown>>,
  exportName: string,
): WrittenEndpoint {
  return { name: typeof config.name === "string" ? config.name : exportName || "endpoint", config };
}

/** Fields of which every configuration has one; it may be wrong all the same. */
const telling = ["grantType", "tokenUrl", "issuer", "clientId", "username", "apiKey", "token"];

function isEndpoint(value: Readonly<Record<string, unknown>>): boolean {
  return telling.some((field) => field in value);
}
