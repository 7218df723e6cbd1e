import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(`${root}README.md`, "utf8");
const lines = readme.split("\n");

const pages = new Map([
  ["README.md", readme],
  ...readdirSync(`${root}docs`)
    .filter((name) => name.endsWith(".md"))
    .map((name): [string, string] => [`docs/${name}`, readFileSync(`${root}docs/${name}`, "utf8")]),
]);

interface Snippet {
  /** Where it is: `docs/redis.md:12`. */
  readonly place: string;
  readonly code: string;
}

const snippets = [...pages].flatMap(([page, text]) =>
  [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(
    ({ index, 1: code = "" }): Snippet => ({
      place: `${page}:${text.slice(0, index).split("\n").length}`,
      code,
    }),
  ),
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
  it("has working code within its first 20 lines", () => {
    expect(lines.slice(0, 20).join("\n")).toMatch(/```ts\nimport \{ EndpointSecurity/);
  });

  it("is read in five minutes: it has no more than 250 lines", () => {
    expect(lines.length).toBeLessThanOrEqual(251);
  });

  it("has snippets that compile, as all pages of the documentation have", () => {
    expect(snippets.length).toBeGreaterThan(20);
    const files = snippets.map((snippet): [string, string] => [
      `${root}snippet-${snippet.place.replaceAll(/[^\w]+/g, "-")}.ts`,
      withWhatIsKnown(snippet),
    ]);
    expect(mistakesIn(new Map(files))).toEqual([]);
  });

  it("names the two commands that do everything", () => {
    expect(readme).toContain("npm ci && npm run demo");
    expect(readme).toContain("npm ci && npm test");
  });
});
