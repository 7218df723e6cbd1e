import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { configurationReference, page } from "../build/configuration-reference.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const pages = readdirSync(`${root}docs`).filter((name) => name.endsWith(".md"));
const textOf = (page: string) => readFileSync(`${root}docs/${page}`, "utf8");

describe("the documentation names tests that there are", () => {
  test.each(pages)("in %s", (page) => {
    const named = [...textOf(page).matchAll(/`(test\/[^`]+\.test\.ts)`/g)].map(([, file]) => file);
    expect(named.filter((file) => !existsSync(`${root}${file}`))).toEqual([]);
  });

  test.each(["failures.md", "wso2.md"])("in the rows of %s, by their titles", (page) => {
    const rows = [...textOf(page).matchAll(/^\|.*\| `(test\/[^`]+)`: (.*?) *\|$/gm)];
    expect(rows.length).toBeGreaterThan(20);
    const missing = rows.filter(
      ([, file, title = ""]) => !readFileSync(`${root}${file}`, "utf8").includes(title),
    );
    expect(missing.map(([, file, title]) => `${file}: ${title}`)).toEqual([]);
  });
});

/** A file, and in a page the heading that the link names. */
function isThere(target: URL): boolean {
  const heading = target.hash;
  target.hash = "";
  if (!existsSync(target)) return false;
  return heading === "" || headingsOf(readFileSync(target, "utf8")).includes(heading);
}

function headingsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(
    ([, heading = ""]) =>
      `#${heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, "")
        .replaceAll(" ", "-")}`,
  );
}

test("the configuration reference is what the doc comments say: `npm run docs` writes it", () => {
  const withoutLayout = (text: string) =>
    text.replaceAll(/ {2,}/g, " ").replaceAll(/-{3,}/g, "---");
  const written = readFileSync(page, "utf8");
  expect(withoutLayout(written)).toBe(withoutLayout(configurationReference()));
});

describe("the links of the documentation lead to files that there are", () => {
  const all = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    ...pages.map((page) => `docs/${page}`),
  ];
  test.each(all)("in %s", (page) => {
    const text = readFileSync(`${root}${page}`, "utf8");
    const targets = [...text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)/g)].map(
      ([, to = ""]) => to,
    );
    const base = new URL(page, `file://${root}`);
    expect(targets.filter((to) => !isThere(new URL(to, base)))).toEqual([]);
  });

  test("from its index to every page", () => {
    const index = textOf("README.md");
    const others = pages.filter((page) => page !== "README.md");
    expect(others.filter((page) => !index.includes(`](${page})`))).toEqual([]);
  });
});

test("CONTRIBUTING.md names files and folders that there are", () => {
  const text = readFileSync(`${root}CONTRIBUTING.md`, "utf8");
  const named = [...text.matchAll(/`((?:src|test|docs)\/[\w./-]+)`/g)].map(([, file]) => file);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((file) => !existsSync(`${root}${file}`))).toEqual([]);
});
