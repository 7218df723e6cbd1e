// A token endpoint at /token and a backend at /v1/orders. PUT /mood changes how they are, GET /seen tells what they saw.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

const calm = { lifeSeconds: 3_600, latencyMs: 0, isDown: false };
let mood = { ...calm };
let seen = { tokenRequests: 0, refusedCalls: 0 };
let revokedBefore = 0;
let serial = 0;
const padding = "x".repeat(700);

async function issue(req) {
  await text(req);
  seen.tokenRequests++;
  await new Promise((resolve) => setTimeout(resolve, mood.latencyMs));
  if (mood.isDown) return [503, { error: "temporarily_unavailable" }];
  const now = Date.now();
  const token = `${now}.${now + mood.lifeSeconds * 1_000}.${++serial}.${padding}`;
  return [200, { access_token: token, token_type: "Bearer", expires_in: mood.lifeSeconds }];
}

function serve(req) {
  const [issuedAt, expiresAt] = (req.headers.authorization ?? "").replace("Bearer ", "").split(".");
  if (Number(issuedAt) > revokedBefore && Date.now() < Number(expiresAt)) return [200, { id: 1 }];
  seen.refusedCalls++;
  return [401, {}];
}

async function steer(req) {
  const { revoke = false, ...more } = JSON.parse(await text(req));
  mood = { ...mood, ...more };
  if (revoke) revokedBefore = Date.now();
  return [200, {}];
}

async function answer(req) {
  // Some add a query of their own.
  switch (`${req.method} ${req.url.split("?")[0]}`) {
    case "POST /token":
      return issue(req);
    case "GET /seen":
      return [200, seen];
    case "PUT /mood":
      return steer(req);
    case "PUT /calm":
      mood = { ...calm };
      seen = { tokenRequests: 0, refusedCalls: 0 };
      return [200, {}];
    default:
      return serve(req);
  }
}

const server = createServer(async (req, res) => {
  const [status, body] = await answer(req);
  const headers = { "content-type": "application/json" };
  if (status === 401) headers["www-authenticate"] = 'Bearer error="invalid_token"';
  res.writeHead(status, headers).end(JSON.stringify(body));
});
server.keepAliveTimeout = 120_000;
server.listen(0, "127.0.0.1", () => process.send(server.address().port));
process.on("disconnect", () => process.exit());
