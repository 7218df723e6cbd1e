import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { parseBasic } from "./basic-credentials.ts";
import { respond } from "./http-server.ts";
import { ScriptedResponses } from "./scripted-responses.ts";

export interface TokenRequestRecord {
  at: number;
  grantType: string;
  clientId?: string;
  authorization?: string;
  body: Record<string, string | string[]>;
  /** 0 until the answer is on its way. */
  status: number;
}

/** What a test can see and change at a running token endpoint. */
export interface TokenEndpointControls {
  /** Every request to the token endpoint, in order of arrival. */
  readonly tokenRequests: readonly TokenRequestRecord[];
  countTokenRequests(
    filter?: Partial<Pick<TokenRequestRecord, "clientId" | "grantType" | "status">>,
  ): number;
  resetTokenRequests(): void;
  /** For tokens issued from now on. */
  setAccessTokenTtl(seconds: number): void;
  /** How long the token endpoint waits before it deals with a request. */
  setLatency(ms: number): void;
  /** The next `times` requests to the token endpoint fail like this. */
  failNext(times: number, status: number, body?: unknown, headers?: Record<string, string>): void;
  /** Whatever was to fail, doesn't. */
  succeedAgain(): void;
}

interface TokenEndpointControl {
  controls: TokenEndpointControls;
  accessTokenTtl(): number;
  /** Records the request, then answers as scripted or leaves it to `answer`. */
  handle(
    req: IncomingMessage,
    res: ServerResponse,
    answer: (body: string) => void | Promise<void>,
  ): Promise<void>;
}

export function controlTokenEndpoint(initialTtl: number): TokenEndpointControl {
  const tokenRequests: TokenRequestRecord[] = [];
  const failures = new ScriptedResponses();
  let accessTokenTtl = checkTtl(initialTtl);
  let latency = 0;

  return {
    accessTokenTtl: () => accessTokenTtl,
    async handle(req, res, answer) {
      const body = await text(req);
      tokenRequests.push(recordOf(req, res, body));
      // Decided on arrival, so that a slow endpoint fails the requests that came first.
      const failure = failures.take();
      // Unreferenced: a pending answer must not keep the process alive after close().
      if (latency > 0) await delay(latency, undefined, { ref: false });
      if (failure === undefined) await answer(body);
      else respond(res, failure.status, failure.body, failure.headers);
    },
    controls: {
      tokenRequests,
      countTokenRequests: (filter = {}) =>
        tokenRequests.filter(
          (request) =>
            (filter.clientId ?? request.clientId) === request.clientId &&
            (filter.grantType ?? request.grantType) === request.grantType &&
            (filter.status ?? request.status) === request.status,
        ).length,
      resetTokenRequests: () => {
        tokenRequests.length = 0;
      },
      setAccessTokenTtl: (seconds) => {
        accessTokenTtl = checkTtl(seconds);
      },
      setLatency: (ms) => {
        latency = ms;
      },
      failNext: (times, status, body = { error: "server_error" }, headers = {}) =>
        failures.push(times, { status, body, headers }),
      succeedAgain: () => failures.clear(),
    },
  };
}

function recordOf(req: IncomingMessage, res: ServerResponse, rawBody: string): TokenRequestRecord {
  const body = parseForm(rawBody);
  const { authorization } = req.headers;
  const clientId = parseBasic(authorization)?.id ?? body.client_id;
  return {
    at: Date.now(),
    grantType: typeof body.grant_type === "string" ? body.grant_type : "",
    ...(typeof clientId === "string" ? { clientId } : {}),
    ...(authorization === undefined ? {} : { authorization }),
    body,
    // Read from the response, so that it is right before the client can see the answer.
    get status() {
      return res.headersSent ? res.statusCode : 0;
    },
  };
}

export function parseForm(body: string): Record<string, string | string[]> {
  const params = new URLSearchParams(body);
  return Object.fromEntries(
    [...new Set(params.keys())].map((name) => {
      const values = params.getAll(name);
      return [name, values.length > 1 ? values : (values[0] ?? "")];
    }),
  );
}

function checkTtl(seconds: number): number {
  // Both servers take 0 for "not set" and would fall back to a lifetime of their own.
  if (!Number.isInteger(seconds) || seconds < 1) throw new RangeError(`Bad lifetime: ${seconds}`);
  return seconds;
}
