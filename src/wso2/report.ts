import type { ConfigurationProblem } from "../errors.ts";

/** One thing in an imported file, and what became of it. */
export interface ImportNote {
  /** Where it is in the file: `data.endpointConfig.endpoint_security.production.tokenUrl`. */
  readonly path: string;
  /** What became of it. */
  readonly note: string;
  /** What somebody has to do about it; undefined where nothing is. */
  readonly fix?: string | undefined;
}

/** What became of everything in an imported file. Never holds a secret. */
export interface ImportReport {
  /** What means the same here. */
  readonly carried: readonly ImportNote[];
  /** What means something else here, and why. */
  readonly changed: readonly ImportNote[];
  /** What has no counterpart here. */
  readonly left: readonly ImportNote[];
}

/** Collects notes and mistakes while a file is read. */
export class Report {
  readonly problems: ConfigurationProblem[] = [];
  readonly #notes = { carried: [], changed: [], left: [] } as Record<Kind, ImportNote[]>;
  readonly #noted = new Set<string>();
  readonly #filledIn = new Set<string>();
  /** Whatever holds something that was noted. */
  readonly #around = new Set<string>();

  add(kind: Kind, note: ImportNote): void {
    // Some places are read for production and again for the sandbox.
    const isSaid = this.#notes[kind].some(
      ({ path, note: said }) => path === note.path && said === note.note,
    );
    if (isSaid) return;
    this.#notes[kind].push(note);
    this.#noted.add(note.path);
    for (let path = parentOf(note.path); path !== ""; path = parentOf(path)) this.#around.add(path);
  }

  /** A text whose `${NAME}` was replaced by an environment variable. */
  fillIn(path: string): void {
    this.#filledIn.add(path);
  }

  isFilledIn(path: string): boolean {
    return this.#filledIn.has(path);
  }

  /** Notes everything that has no note yet, in parts of the file as large as possible. */
  noteTheRest(value: unknown, path: string): void {
    if (this.#noted.has(path)) return;
    if (path === "" || this.#around.has(path)) {
      for (const [childPath, child] of childrenOf(value, path)) this.noteTheRest(child, childPath);
    } else this.add("left", { path, note: isEmpty(value) ? "is empty" : restNote(path) });
  }

  /** What a caller gets. */
  finished(): ImportReport {
    return { ...this.#notes };
  }
}

type Kind = keyof ImportReport;

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("."), path.lastIndexOf("["), 0));
}

/** The path of a member, or of an item of a list. */
export function pathBelow(path: string, name: string | number): string {
  if (typeof name === "number") return `${path}[${name}]`;
  return path === "" ? name : `${path}.${name}`;
}

function childrenOf(value: unknown, path: string): readonly (readonly [string, unknown])[] {
  if (Array.isArray(value)) return value.map((item, index) => [pathBelow(path, index), item]);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).map(([name, child]) => [pathBelow(path, name), child]);
}

function isEmpty(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === "";
}

const restNote = (path: string) =>
  /(^|\.)(endpointConfig|endpoint_security|security|upstream|params|policyParams)\b/.test(path)
    ? "has no counterpart here"
    : "is the gateway's own, and has nothing to do with the backend's security";
