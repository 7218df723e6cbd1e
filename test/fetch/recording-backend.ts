import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { listen, respond } from "../servers/http-server.ts";

interface RecordedRequest {
  method: string;
  /** Path and query, as they came over the wire. */
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

type Answer = (res: ServerResponse, request: RecordedRequest) => void | Promise<void>;

/** A backend that takes anything and remembers it. Closed when the test is over. */
export async function startRecordingBackend(
  answer: Answer = (res) => respond(res, 200, { ok: true }),
) {
  const requests: RecordedRequest[] = [];
  const server = await listen(async (req, res) => {
    const { method = "", url = "", headers } = req;
    const request = { method, url, headers, body: await buffer(req) };
    requests.push(request);
    await answer(res, request);
  });
  onTestFinished(server.close);
  return { origin: server.origin, requests: requests as readonly RecordedRequest[] };
}

/** Answers 401 `invalid_token` to the tokens named, and 200 to all else. */
export function refusing(...tokens: readonly string[]): Answer {
  return (res, { headers }) => {
    const token = headers.authorization?.replace("Bearer ", "");
    const refused = token === undefined || tokens.includes(token);
    const challenge = { "www-authenticate": 'Bearer error="invalid_token"' };
    if (refused) respond(res, 401, { error: "invalid_token" }, challenge);
    else respond(res, 200, { ok: true });
  };
}
