// Run in a process of its own: a token endpoint at /token, a backend everywhere else.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const latencyMs = Number(process.argv[2]);
const token = "t".repeat(800);
const granted = JSON.stringify({ access_token: token, token_type: "Bearer", expires_in: 86_400 });
const answered = JSON.stringify({ orders: [{ id: 1, state: "paid" }] });
const json = { "content-type": "application/json" };
let tokenRequests = 0;

const server = createServer((req, res) => {
  req.resume();
  if (req.url === "/token") {
    tokenRequests++;
    setTimeout(() => res.writeHead(200, json).end(granted), latencyMs);
  } else if (req.url === "/token-requests") {
    res.writeHead(200, json).end(String(tokenRequests));
  } else if (req.headers.authorization === undefined) {
    res.writeHead(401).end();
  } else {
    res.writeHead(200, json).end(answered);
  }
});
// What fetch keeps for later is there later.
server.keepAliveTimeout = 120_000;
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
// Its end is the end of whoever started it.
process.on("disconnect", () => process.exit());
