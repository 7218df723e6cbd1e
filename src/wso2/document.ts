import { parse as parseToml, TomlError } from "smol-toml";
import { LineCounter, parseAllDocuments } from "yaml";
import { isRecord, kindOf } from "../checks/kinds.ts";
import { DocumentError } from "./document-error.ts";
import { tryJson } from "./try-json.ts";

const longest = 5_000_000;
const mostAliases = 100;

/** A YAML or JSON document; an object is taken as it is. @throws DocumentError */
export function readDocument(given: unknown, what: string): Record<string, unknown> {
  if (typeof given !== "string") return asRecord(given, what);
  const text = checked(given, what);
  // The same file in JSON, which is YAML but for tabs.
  if (/^\s*\{/.test(text)) {
    const value = tryJson(text);
    if (value !== undefined) return asRecord(value, what);
  }
  return asRecord(fromYaml(text, what), what);
}

/** A TOML document. @throws DocumentError */
export function readToml(given: unknown, what: string): Record<string, unknown> {
  if (typeof given !== "string") return asRecord(given, what);
  try {
    return parseToml(checked(given, what));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The rest of its message quotes the file.
    const reason = firstLine(error.message).replace(/^Invalid TOML document: /, "");
    throw new DocumentError({ what, reason, line: error.line, column: error.column });
  }
}

function fromYaml(text: string, what: string): unknown {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: "silent",
  });
  const [document, second] = Array.isArray(documents) ? documents : [];
  if (document === undefined) throw new DocumentError({ what, reason: "it is empty" });
  const [error] = document.errors;
  if (error !== undefined) throw failed(error.code, error.pos[0]);
  if (second !== undefined) {
    const start = second.range?.[0] ?? 0;
    throw failed("it holds more than one document", start);
  }
  try {
    return document.toJS({ maxAliasCount: mostAliases });
  } catch {
    // Aliases of aliases of aliases: a few lines that unfold to gigabytes.
    throw new DocumentError({ what, reason: `it has more than ${mostAliases} aliases` });
  }

  function failed(reason: string, position: number): DocumentError {
    const { line, col } = lines.linePos(position);
    const words = reason.toLowerCase().replaceAll("_", " ");
    return new DocumentError({ what, reason: words, line, column: col });
  }
}

function checked(text: string, what: string): string {
  if (text.length > longest) {
    throw new DocumentError({ what, reason: `it is longer than ${longest} characters` });
  }
  return text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
}

function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (isRecord(value)) return value;
  throw new DocumentError({ what, reason: `it must be an object, and is ${kindOf(value)}` });
}

const firstLine = (text: string) => text.split("\n", 1)[0] ?? "";
