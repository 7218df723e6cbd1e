#!/usr/bin/env node
import { UsageError, usage } from "./usage.ts";

/** What only this command needs is installed by those who use it. */
async function importWso2(args: readonly string[]): Promise<number> {
  const { importWso2 } = await import("./import-wso2.ts").catch((error: unknown) => {
    if (Reflect.get(Object(error), "code") !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error("this command needs two packages: npm install --save-dev yaml smol-toml");
  });
  return importWso2(args);
}

const [command = "", product = "", ...rest] = process.argv.slice(2);
try {
  if (command === "import" && product === "wso2") process.exitCode = await importWso2(rest);
  else if (["help", "--help", "-h"].includes(command)) console.log(usage);
  else throw new UsageError(`unknown command "${`${command} ${product}`.trim()}"`);
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n\n${usage}`);
  // The library's own errors say everything, and hold no secret.
  else console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
