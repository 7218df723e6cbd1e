// Run in a process of its own: a token endpoint whose tokens end, and a backend that says so.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Figures, Mood } from "./life-client.ts";

let mood: Mood = { lifeMs: 4_000, latencyMs: 300, isDown: false, revokedBefore: 0 };
const clients = new Map<string, Figures>();
let serial = 0;

function figuresOf(client: string): Figures {
  let figures = clients.get(client);
  if (figures === undefined) {
    figures = { tokenRequests: 0, refusedWhileDown: 0, calls: 0, expired: 0 };
    clients.set(client, figures);
  }
  return figures;
}

/** A token says whose it is, when it was issued and when it ends. */
function tokenFor(client: string): string {
  const now = Date.now();
  return [client, now, now + mood.lifeMs, ++serial].join(".");
}

async function grant(req: IncomingMessage): Promise<[number, object]> {
  const client = new URLSearchParams(await text(req)).get("client_id") ?? "";
  const figures = figuresOf(client);
  figures.tokenRequests++;
  await new Promise((resolve) => setTimeout(resolve, mood.latencyMs));
  if (mood.isDown) {
    figures.refusedWhileDown++;
    return [503, { error: "temporarily_unavailable" }];
  }
  const expires_in = mood.lifeMs / 1_000;
  return [200, { access_token: tokenFor(client), token_type: "Bearer", expires_in }];
}

function serve(authorization = ""): [number, object] {
  const [client = "", issuedAt, expiresAt] = authorization.replace("Bearer ", "").split(".");
  const figures = figuresOf(client);
  figures.calls++;
  if (Number(issuedAt) <= mood.revokedBefore) return [401, {}];
  if (Date.now() < Number(expiresAt)) return [200, { orders: [] }];
  figures.expired++;
  return [401, {}];
}

const server = createServer(async (req, res) => {
  const [status, body] = req.url === "/token" ? await grant(req) : serve(req.headers.authorization);
  res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
});
server.keepAliveTimeout = 120_000;
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("message", (order: Partial<Mood> | "figures") => {
  if (order === "figures") process.send?.(Object.fromEntries(clients));
  else mood = { ...mood, ...order };
});
// Its end is the end of whoever started it.
process.on("disconnect", () => process.exit());
