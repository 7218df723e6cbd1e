import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";
import ts from "typescript";

/** One module that a source file names. */
interface Import {
  /** A file of `src` ("tokens/token-set.ts") or a module's name ("keyv", "node:crypto"). */
  readonly target: string;
  readonly local: boolean;
  /**
   * `type` leaves nothing in the build, `static` is loaded with the file, `dynamic` when it is
   * asked for.
   */
  readonly kind: "type" | "static" | "dynamic";
}

export interface SourceFile {
  /** Below `src`, with forward slashes. */
  readonly path: string;
  readonly imports: readonly Import[];
  readonly statements: readonly ts.Statement[];
}

/** Every TypeScript file of a folder, parsed. */
export function readSourceFiles(folder: string): SourceFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      const path = relative(folder, file).split(sep).join("/");
      return parseSourceFile(path, readFileSync(file, "utf8"));
    });
}

export function parseSourceFile(path: string, text: string): SourceFile {
  const parsed = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  const add = (specifier: ts.Node | undefined, kind: Import["kind"]) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const local = specifier.text.startsWith(".");
    const target = local ? posix.join(dirname(path), specifier.text) : specifier.text;
    imports.push({ target, local, kind });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      // `import { type A }` still loads the module: verbatimModuleSyntax leaves `import {}`.
      add(node.moduleSpecifier, node.importClause?.isTypeOnly ? "type" : "static");
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly ? "type" : "static");
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, "type");
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], "dynamic");
    }
    ts.forEachChild(node, visit);
  };
  visit(parsed);
  return { path, imports, statements: [...parsed.statements] };
}
