import { styleText } from "node:util";
import type { ImportNote, ImportReport } from "../wso2.ts";

/** A file, and what became of it. */
export interface Imported {
  readonly path: string;
  readonly report: ImportReport | undefined;
  /** Why it couldn't be imported. */
  readonly error: string | undefined;
}

const kinds = [
  ["carried", "✓", "green"],
  ["changed", "~", "yellow"],
  ["left", "–", "dim"],
] as const;

/** What became of each file, as a table for a terminal. What needs a person comes last, in full. */
export function reportTable(imported: readonly Imported[]): string {
  return imported.map(fileText).join("\n\n");
}

function fileText({ path, report, error }: Imported): string {
  const title = styleText("bold", path);
  if (report === undefined) return `${title}\n${styleText("red", `✗ ${error}`)}`;
  const all = kinds.flatMap(([kind]) => report[kind]);
  const width = Math.min(60, Math.max(0, ...all.map((note) => shown(note).length)));
  const rows = kinds.flatMap(([kind, mark, colour]) =>
    report[kind].map((note) => {
      const line = `${mark} ${kind.padEnd(7)}  ${shown(note).padEnd(width)}  ${note.note}`;
      return styleText(colour, line);
    }),
  );
  const open = report.left.filter(({ fix }) => fix !== undefined);
  const fixes = open.map((note) => `  ${shown(note)}: ${note.note}; ${note.fix}`);
  const todo = open.length === 0 ? [] : [styleText("red", "Needs a person:"), ...fixes];
  return [title, ...rows, ...todo].join("\n");
}

/** The end of a path says what it is. */
function shown({ path }: ImportNote): string {
  return path.length <= 60 ? path : `…${path.slice(-59)}`;
}
