import { isRecord, mustBe } from "../checks/kinds.ts";
import { pathBelow, type Report } from "./report.ts";

/** A place in a file: reads what is there, tolerantly, and notes what becomes of it. */
export class Cursor {
  readonly value: unknown;
  readonly path: string;
  readonly report: Report;

  constructor(value: unknown, path: string, report: Report) {
    this.value = value;
    this.path = path;
    this.report = report;
  }

  /** Null and blank text say nothing. */
  get isThere(): boolean {
    const { value } = this;
    if (typeof value === "string") return value.trim() !== "";
    return value !== undefined && value !== null;
  }

  at(name: string | number): Cursor {
    const { value, path, report } = this;
    const isOwn = typeof value === "object" && value !== null && Object.hasOwn(value, name);
    const child: unknown = isOwn ? Reflect.get(value, name) : undefined;
    return new Cursor(child, pathBelow(path, name), report);
  }

  /** The first of these members that says something, else the first. */
  any(first: string, ...others: readonly string[]): Cursor {
    const found = [first, ...others].map((name) => this.at(name)).find(({ isThere }) => isThere);
    return found ?? this.at(first);
  }

  items(): readonly Cursor[] {
    const { value } = this;
    return Array.isArray(value) ? value.map((_, index) => this.at(index)) : [];
  }

  members(): readonly (readonly [name: string, Cursor])[] {
    if (!this.isThere) return [];
    if (!isRecord(this.value)) {
      this.problem(mustBe("an object", this.value), "export the file again");
      return [];
    }
    return Object.keys(this.value).map((name) => [name, this.at(name)]);
  }

  /** As text: numbers and booleans are written in some versions where text is meant. */
  text(): string | undefined {
    if (!this.isThere) return undefined;
    const { value } = this;
    if (typeof value === "string") return value.trim();
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    this.problem(mustBe("a text", value), "export the file again");
    return undefined;
  }

  flag(): boolean | undefined {
    const text = this.text()?.toLowerCase();
    if (text === undefined || text === "true" || text === "false") {
      return text === undefined ? undefined : text === "true";
    }
    this.problem("must be true or false", "export the file again");
    return undefined;
  }

  /** -1 is written for a number that isn't set. */
  number(): number | undefined {
    const text = this.text();
    if (text === undefined || text === "-1") return undefined;
    const value = Number(text);
    if (Number.isFinite(value) && value >= 0) return value;
    this.problem("must be a number", "export the file again");
    return undefined;
  }

  carried(note: string): void {
    if (this.value !== undefined) this.report.add("carried", { path: this.path, note });
  }

  changed(note: string): void {
    if (this.value !== undefined) this.report.add("changed", { path: this.path, note });
  }

  left(note: string, fix?: string): void {
    if (this.value !== undefined) {
      this.report.add("left", { path: this.path, note, ...(fix === undefined ? {} : { fix }) });
    }
  }

  problem(problem: string, fix: string): void {
    this.report.problems.push({ path: this.path, problem, fix });
  }
}
