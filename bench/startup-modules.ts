// Run in a process of its own: lists every module loaded until it had a header.
import { createRequire, register } from "node:module";
import { setTimeout } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";

const { port1, port2 } = new MessageChannel();
const loaded: string[] = [];
port1.on("message", (url: string) => loaded.push(url));
port1.unref();
register("./module-hook.js", { parentURL: import.meta.url, data: port2, transferList: [port2] });

const header = "./startup-header.js";
await import(header);
// The hooks run in a thread of their own, and what they say may be on its way still.
await setTimeout(200);
const required = Object.keys(createRequire(import.meta.url).cache);
process.stdout.write(`\n${JSON.stringify([...loaded, ...required])}`);
