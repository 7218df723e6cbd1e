import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(`${root}README.md`, "utf8");
const lines = readme.split("\n");

interface Snippet {
  readonly line: number;
  readonly code: string;
}

const snippets = [...readme.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(
  ({ index, 1: code = "" }): Snippet => ({
    line: readme.slice(0, index).split("\n").length,
    code,
  }),
);

/** What a reader has from the snippets before: declared where a snippet doesn't do it itself. */
const known: Readonly<Record<string, string>> = {
  EndpointConfig: 'import type { EndpointConfig } from "endpoint-security";',
  EndpointSecurity: 'import { EndpointSecurity } from "endpoint-security";',
  security: 'declare const security: import("endpoint-security").EndpointSecurity;',
  ordersFetch: "declare const ordersFetch: typeof globalThis.fetch;",
  yourStore: "declare const yourStore: Map<string, string>;",
};

function withWhatIsKnown({ code }: Snippet): string {
  const missing = Object.entries(known).filter(
    ([name]) =>
      new RegExp(`\\b${name}\\b`).test(code) &&
      !new RegExp(`(const |import [^"]*)\\b${name}\\b`).test(code),
  );
  const config = 'import("endpoint-security").EndpointConfig & { url: string }';
  if (/\borders\b/.test(code) && !/const orders\b/.test(code)) {
    const both = /orders\.(production|sandbox)/.test(code);
    const type = both ? `Record<"production" | "sandbox", ${config}>` : config;
    missing.push(["orders", `declare const orders: ${type};`]);
  }
  return [...missing.map(([, declaration]) => declaration), code, "export {};"].join("\n");
}

function mistakesIn(files: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  // What a snippet declares and doesn't use is for the reader.
  options.noUnusedLocals = false;
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  host.getSourceFile = (path, ...rest) => {
    const text = files.get(path);
    return text === undefined
      ? getSourceFile(path, ...rest)
      : ts.createSourceFile(path, text, rest[0]);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return ts
    .getPreEmitDiagnostics(program)
    .filter(({ file }) => file !== undefined && files.has(file.fileName))
    .map(
      ({ file, messageText }) =>
        `${file?.fileName.slice(root.length)}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`,
    );
}

describe("the README", () => {
  it("has working code within its first 15 lines", () => {
    expect(lines.slice(0, 15).join("\n")).toMatch(/```ts\nimport \{ EndpointSecurity/);
  });

  it("has snippets that compile", () => {
    expect(snippets.length).toBeGreaterThan(8);
    const files = snippets.map((snippet): [string, string] => [
      `${root}README.line-${snippet.line}.ts`,
      withWhatIsKnown(snippet),
    ]);
    expect(mistakesIn(new Map(files))).toEqual([]);
  });

  it("links to headings and files that are there", () => {
    const headings = lines
      .filter((line) => line.startsWith("#"))
      .map((line) =>
        line
          .replace(/^#+ /, "")
          .toLowerCase()
          .replaceAll(/[^\w -]/g, ""),
      )
      .map((heading) => `#${heading.replaceAll(" ", "-")}`);
    const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, target = ""]) => target);
    const broken = links.filter((link) =>
      link.startsWith("#")
        ? !headings.includes(link)
        : !link.startsWith("http") &&
          !ts.sys.fileExists(root + link) &&
          !ts.sys.directoryExists(root + link),
    );
    expect(broken).toEqual([]);
  });

  it("names the two commands that do everything", () => {
    expect(readme).toContain("npm ci && npm run demo");
    expect(readme).toContain("npm ci && npm test");
  });
});
