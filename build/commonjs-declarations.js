/** Gives the CommonJS files declarations of their own: the same text, as TypeScript wants it for `require`. */
import { readdir, readFile, writeFile } from "node:fs/promises";

for (const file of await readdir("dist")) {
  if (!file.endsWith(".d.ts")) continue;
  const text = await readFile(`dist/${file}`, "utf8");
  const imports = text.replaceAll(/(from '\.\/[\w-]+)\.js'/g, "$1.cjs'");
  await writeFile(`dist/${file.replace(/\.d\.ts$/, ".d.cts")}`, imports);
}
