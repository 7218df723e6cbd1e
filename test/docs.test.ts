import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const pages = readdirSync(`${root}docs`).filter((name) => name.endsWith(".md"));
const textOf = (page: string) => readFileSync(`${root}docs/${page}`, "utf8");

describe("the documentation names tests that there are", () => {
  test.each(pages)("in %s", (page) => {
    const named = [...textOf(page).matchAll(/`(test\/[^`]+\.test\.ts)`/g)].map(([, file]) => file);
    expect(named.filter((file) => !existsSync(`${root}${file}`))).toEqual([]);
  });

  test("for every failure that was seen elsewhere, by its title", () => {
    const rows = [...textOf("failures.md").matchAll(/^\|.*\| `(test\/[^`]+)`: (.*?) *\|$/gm)];
    expect(rows.length).toBeGreaterThan(20);
    const missing = rows.filter(
      ([, file, title = ""]) => !readFileSync(`${root}${file}`, "utf8").includes(title),
    );
    expect(missing.map(([, file, title]) => `${file}: ${title}`)).toEqual([]);
  });
});
