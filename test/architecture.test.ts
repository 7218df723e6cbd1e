import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { parseSourceFile, readSourceFiles, type SourceFile } from "./source-files.ts";

const root = new URL("../", import.meta.url);
const source = readSourceFiles(fileURLToPath(new URL("src", root)));

/** Imports run from a later row to an earlier one. Folders of one row don't know each other. */
const layers: readonly (readonly string[])[] = [
  ["errors"],
  ["optional-peer"],
  ["events"],
  ["bounded-map", "clock", "time-text", "tracing", "waiting", "checks"],
  ["credentials"],
  ["configuration"],
  ["endpoint"],
  ["http"],
  ["oauth"],
  ["grants", "cache"],
  ["redis", "tokens"],
  ["authenticators", "axios", "wso2"],
  ["facade"],
  ["command", "testing", "opentelemetry"],
];

/** Events are told by the caches, the tokens and the facade; the rows between don't know of them. */
const mayTellEvents = new Set(["cache", "tokens", "facade"]);

/** Modules that one place alone knows. */
const soleImporters: Readonly<Record<string, RegExp>> = {
  "openid-client": /^oauth\//,
  keyv: /^(cache\/|redis)/,
  "@keyv/redis": /^redis/,
  "p-memoize": /^tokens\//,
  axios: /^axios(\.ts$|\/)/,
  undici: /^(http\/|undici\.ts$)/,
  yaml: /^(wso2|command)\//,
  fflate: /^command\//,
  "@clack/prompts": /^command\/init\//,
  "@opentelemetry/api": /^opentelemetry(\.ts$|\/)/,
  "smol-toml": /^wso2\//,
};

/** What takes longest to load waits for the first token that needs it. */
const neverAtStart = [
  "keyv",
  "openid-client",
  "oauth4webapi",
  "jose",
  "axios",
  "undici",
  "@keyv/redis",
];

const partOf = (path: string) => {
  if (path === "errors.ts") return "errors";
  if (path === "events.ts") return "events";
  if (path === "optional-peer.ts") return "optional-peer";
  if (path === "bounded-map.ts") return "bounded-map";
  if (path === "clock.ts") return "clock";
  if (path === "time-text.ts") return "time-text";
  if (path === "tracing.ts") return "tracing";
  // They build upon the whole library.
  if (path === "testing.ts") return "testing";
  if (path === "opentelemetry.ts") return "opentelemetry";
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : "facade";
};

/** `from` names the part, `to` the part it imports. */
function allowed(from: string, to: string): boolean {
  if (from === to) return true;
  if (to === "events") return mayTellEvents.has(from);
  const row = (part: string) => layers.findIndex((parts) => parts.includes(part));
  return row(to) !== -1 && row(to) < row(from);
}

function againstDirection(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, imports }) =>
    imports
      .filter(({ local, target }) => local && !allowed(partOf(path), partOf(target)))
      .map(({ target }) => `${path} → ${target}`),
  );
}

function cyclesAmong(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
    } else if (!done.has(path)) {
      for (const { local, target } of byPath.get(path)?.imports ?? []) {
        if (local) walk(target, [...trail, path]);
      }
      done.add(path);
    }
  };
  for (const { path } of files) walk(path, []);
  return cycles;
}

/** Files and modules that are loaded as soon as `entry` is. */
function loadedWith(entry: string, files: readonly SourceFile[]): Set<string> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const loaded = new Set<string>();
  const load = (target: string): void => {
    if (loaded.has(target)) return;
    loaded.add(target);
    for (const next of byPath.get(target)?.imports ?? []) {
      if (next.kind === "static") load(next.target);
    }
  };
  load(entry);
  return loaded;
}

const packageOf = (module: string) =>
  module
    .split("/")
    .slice(0, module.startsWith("@") ? 2 : 1)
    .join("/");

function strangers(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, imports }) =>
    imports
      .filter(
        ({ local, target }) => !local && soleImporters[packageOf(target)]?.test(path) === false,
      )
      .map(({ target }) => `${path} imports ${target}`),
  );
}

const isReExport = (statement: ts.Statement) =>
  ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined;

/** What a file does when it is imported, besides declaring things. */
function doneAtImport({ path, statements }: SourceFile): string[] {
  return statements.flatMap((statement) => {
    const at = `${path}: ${statement.getText().split("\n")[0]}`;
    if (ts.isVariableStatement(statement)) {
      const constant = (statement.declarationList.flags & ts.NodeFlags.Const) !== 0;
      const empty = statement.declarationList.declarations.some(
        ({ initializer }) => initializer !== undefined && isEmptyCollection(initializer),
      );
      return constant && !empty && !awaits(statement) ? [] : [at];
    }
    const declares =
      ts.isImportDeclaration(statement) ||
      ts.isExportDeclaration(statement) ||
      ts.isFunctionDeclaration(statement) ||
      ts.isClassDeclaration(statement) ||
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement);
    return declares ? [] : [at];
  });
}

/** `new Map()`: made to be filled later, which is state. */
function isEmptyCollection(node: ts.Expression): boolean {
  return (
    ts.isNewExpression(node) &&
    /^(Weak)?(Map|Set)$|Cache$/.test(node.expression.getText()) &&
    (node.arguments?.length ?? 0) === 0
  );
}

function awaits(node: ts.Node): boolean {
  if (ts.isAwaitExpression(node)) return true;
  if (ts.isFunctionLike(node)) return false;
  return ts.forEachChild(node, (child) => awaits(child) || undefined) ?? false;
}

describe("src", () => {
  it("has files to look at", () => {
    expect(source.map(({ path }) => path)).toContain("index.ts");
    expect(source.length).toBeGreaterThan(20);
  });

  it("imports only files that are there", () => {
    const paths = new Set(source.map(({ path }) => path));
    const targets = source.flatMap(({ imports }) => imports.filter(({ local }) => local));
    expect(targets.filter(({ target }) => !paths.has(target))).toEqual([]);
  });

  it("has no folder without a place in the order of imports", () => {
    const parts = new Set(source.map(({ path }) => partOf(path)));
    const placed = layers.flat();
    expect([...parts].filter((part) => !placed.includes(part))).toEqual([]);
  });

  it("imports in one direction", () => {
    expect(againstDirection(source)).toEqual([]);
  });

  it("has no cycles, types included", () => {
    expect(cyclesAmong(source)).toEqual([]);
  });

  it("knows openid-client, keyv, p-memoize and the clients in one place each", () => {
    expect(strangers(source)).toEqual([]);
  });

  it("imports only what package.json declares", () => {
    const manifest = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
    const installed = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    // In the build as copies: THIRD_PARTY_NOTICES.md.
    const copies = ["@clack/prompts", "fflate", "lru-cache", "leven", "@standard-schema/spec"];
    const declared = new Set([...installed, ...copies]);
    const modules = source.flatMap(({ imports }) => imports.filter(({ local }) => !local));
    const undeclared = modules
      .map(({ target }) => target)
      .filter((target) => !target.startsWith("node:") && !declared.has(packageOf(target)));
    expect(undeclared).toEqual([]);
  });

  it("loads no OAuth, JOSE or HTTP client with the main entry", () => {
    const loaded = [...loadedWith("index.ts", source)].map(packageOf);
    expect(loaded.filter((module) => neverAtStart.includes(module))).toEqual([]);
  });

  it("loads the main entry with no other entry", () => {
    const loaded = loadedWith("index.ts", source);
    const entries = [
      "axios",
      "azure",
      "google",
      "opentelemetry",
      "undici",
      "redis",
      "testing",
      "wso2",
    ].map((name) => `${name}.ts`);
    expect(entries.filter((entry) => loaded.has(entry))).toEqual([]);
  });

  it("does nothing and keeps no state at import time", () => {
    const imported = source.filter(({ path }) => path !== "command/main.ts");
    expect(imported.flatMap(doneAtImport)).toEqual([]);
  });

  it("names files and folders by what they are about", () => {
    const vague = /(^|\/)(utils?|helpers?|types?|common|misc|shared|lib|core)(\.ts$|\/)/;
    expect(source.map(({ path }) => path).filter((path) => vague.test(path))).toEqual([]);
  });

  it("has one barrel, index.ts, which only re-exports", () => {
    const named = source.filter(({ path }) => /(^|\/)index\.ts$/.test(path));
    const reExporting = source.filter(({ statements }) => statements.some(isReExport));
    const index = source.find(({ path }) => path === "index.ts");
    expect(named.map(({ path }) => path)).toEqual(["index.ts"]);
    expect(reExporting.map(({ path }) => path)).toEqual(["index.ts"]);
    expect(index?.statements.every(isReExport)).toBe(true);
  });
});

describe("these rules", () => {
  const files = (texts: Readonly<Record<string, string>>) =>
    Object.entries(texts).map(([path, text]) => parseSourceFile(path, text));

  it("notice an import against the direction, also of a type", () => {
    const wrong = files({
      "endpoint/a.ts": `import type { B } from "../tokens/b.ts";`,
      "grants/c.ts": `import { d } from "../cache/d.ts";`,
      "http/e.ts": `import type { Emit } from "../events.ts";`,
      "events.ts": `import type { AnyError } from "./errors.ts";`,
      "tokens/b.ts": `import type { Emit } from "../events.ts"; import "../oauth/f.ts";`,
    });
    expect(againstDirection(wrong)).toEqual([
      "endpoint/a.ts → tokens/b.ts",
      "grants/c.ts → cache/d.ts",
      "http/e.ts → events.ts",
    ]);
  });

  it("notice a cycle through several files, also by dynamic import", () => {
    const wrong = files({
      "a.ts": `import { b } from "./b.ts";`,
      "b.ts": `export const c = () => import("./c.ts");`,
      "c.ts": `export type A = import("./a.ts").A;`,
    });
    expect(cyclesAmong(wrong)).toEqual(["a.ts → b.ts → c.ts → a.ts"]);
  });

  it("notice a module imported where it does not belong, whatever the form", () => {
    const wrong = files({
      "tokens/a.ts": `const client = () => import("openid-client");`,
      "http/b.ts": `export { default } from "keyv";`,
      "cache/c.ts": `import type { KeyvRedis } from "@keyv/redis/types";`,
      "cache/d.ts": `import Keyv from "keyv";`,
    });
    expect(strangers(wrong)).toEqual([
      "tokens/a.ts imports openid-client",
      "http/b.ts imports keyv",
      "cache/c.ts imports @keyv/redis/types",
    ]);
  });

  it("tell what is loaded at once from what is loaded later, and from types", () => {
    const some = files({
      "index.ts": `import type { A } from "./a.ts"; export { b } from "./b.ts";`,
      "a.ts": `import "axios";`,
      "b.ts": `import { type C } from "./c.ts"; const d = () => import("./d.ts");`,
      "c.ts": `import "jose";`,
      "d.ts": `import "openid-client";`,
    });
    expect([...loadedWith("index.ts", some)]).toEqual(["index.ts", "b.ts", "c.ts", "jose"]);
  });

  it("notice what happens at import time", () => {
    const lines = [
      "let count = 0;",
      "const pending = new Map<string, string>();",
      "const loaded = await load();",
      "start();",
      "globalThis.x = 1;",
    ];
    const [wrong] = files({ "a.ts": lines.join("\n") });
    const [right] = files({
      "b.ts": `const names = new Set(["a"]); export const f = async () => await names;`,
    });
    expect(wrong && doneAtImport(wrong)).toEqual(lines.map((line) => `a.ts: ${line}`));
    expect(right && doneAtImport(right)).toEqual([]);
  });
});
