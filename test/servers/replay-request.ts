import { IncomingMessage } from "node:http";

/** The same request with its body unread, for a handler that insists on reading it itself. */
export function replayRequest(req: IncomingMessage, body: string): IncomingMessage {
  const replay = new IncomingMessage(req.socket);
  replay.method = req.method;
  replay.url = req.url;
  replay.httpVersion = req.httpVersion;
  replay.httpVersionMajor = req.httpVersionMajor;
  replay.httpVersionMinor = req.httpVersionMinor;
  replay.headers = req.headers;
  replay.rawHeaders = req.rawHeaders;
  replay.push(body);
  replay.push(null);
  // Otherwise the end of the stream counts as an aborted request.
  replay.complete = true;
  return replay;
}
