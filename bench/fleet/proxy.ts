// What stands between the fleet and its Redis, in a process of its own: whatever else this machine's
// bench does, it must not be what makes Redis slow.
import { startTcpProxy, type TcpProxy } from "../../test/servers/redis/slow-proxy.ts";
import type { ProxyCommand } from "./messages.ts";

let proxy: TcpProxy | undefined;

process.on("message", async (command: ProxyCommand) => {
  if (command.type === "latency") proxy?.setLatency(command.ms);
  else {
    proxy = await startTcpProxy(command.target);
    process.send?.(proxy.url);
  }
});
process.on("disconnect", () => process.exit());
process.on("SIGINT", () => {});
