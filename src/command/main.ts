#!/usr/bin/env node
import { UsageError, usage } from "./usage.ts";

async function run([command = "", ...args]: readonly string[]): Promise<number> {
  const [product, ...rest] = args;
  if (command === "check") return (await import("./check.ts")).check(args);
  if (command === "init") return (await import("./init.ts")).init(args);
  if (command === "import" && product === "wso2") {
    return (await import("./import-wso2.ts")).importWso2(rest);
  }
  if (["help", "--help", "-h"].includes(command)) {
    console.log(usage);
    return 0;
  }
  throw new UsageError(`unknown command "${[command, product].join(" ").trim()}"`);
}

try {
  process.exitCode = await run(process.argv.slice(2)).catch((error: unknown) => {
    // What only one command needs is installed by those who use it.
    const isMissing = Reflect.get(Object(error), "code") === "ERR_MODULE_NOT_FOUND";
    if (!isMissing || !/'(?:yaml|smol-toml)'/.test(String(error))) throw error;
    throw new Error("this needs two packages: npm install --save-dev yaml smol-toml");
  });
} catch (error) {
  // The library's own errors say everything, and hold no secret.
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof UsageError) {
    console.error("\nnpx endpoint-security --help lists commands and options.");
  }
  process.exitCode = 2;
}
