// A real authorization server, in a process of its own.
import { startOidcProvider } from "../../test/servers/oidc-provider.ts";
import type { TokenRequestRecord } from "../../test/servers/token-endpoint-control.ts";
import type { ServerMessage, ServerOrder, ServerTask } from "./messages.ts";

const tellEveryMs = 50;
const givenUpAfterMs = 2_000;

function tell(message: ServerMessage): void {
  if (process.connected) process.send?.(message);
}

process.once("message", async ({ clients, lifeSeconds }: ServerTask) => {
  const server = await startOidcProvider({ accessTokenTtl: lifeSeconds, clients });
  let seen = 0;
  let pending: TokenRequestRecord[] = [];
  setInterval(() => {
    pending.push(...server.tokenRequests.slice(seen));
    seen = server.tokenRequests.length;
    // Whoever asked may have been killed, and never gets an answer.
    const longAgo = Date.now() - givenUpAfterMs;
    const done = pending.filter(({ at, status }) => status !== 0 || at < longAgo);
    pending = pending.filter((request) => !done.includes(request));
    if (done.length === 0) return;
    tell({
      type: "requests",
      requests: done.map(({ at, clientId = "", status }) => ({ at, clientId, status })),
    });
  }, tellEveryMs);
  process.on("message", ({ isDown }: ServerOrder) => {
    if (isDown) server.failNext(Infinity, 503, { error: "temporarily_unavailable" });
    else server.succeedAgain();
  });
  tell({ type: "listening", tokenUrl: server.tokenUrl });
});
process.on("disconnect", () => process.exit());
process.on("SIGINT", () => {});
