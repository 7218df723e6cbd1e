import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { type AccessTokenCheck, createTokenVerifier } from "./backend-token.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";
import { listen, respond } from "./http-server.ts";
import { ScriptedResponses } from "./scripted-responses.ts";
import { peerCertificate, thumbprintOf, tlsOf } from "./tls-server.ts";

interface BackendRequest {
  method: string;
  /** Without the query. */
  path: string;
  authorization?: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** `x5t#S256` of the client's certificate, where it showed one. */
  certificate?: string;
  /** 0 until the answer is on its way. */
  status: number;
}

export interface RunningBackend {
  /** A protected resource of this backend. */
  url: string;
  origin: string;
  readonly requests: readonly BackendRequest[];
  readonly connections: { readonly opened: number; readonly open: number };
  /** From now on this access token is invalid here. */
  revoke(accessToken: string): void;
  /** While on, every access token is invalid here. */
  refuseAll(on: boolean): void;
  /** The next `times` requests get this answer, with or without a valid token. */
  respondNext(
    times: number,
    status: number,
    body?: unknown,
    headers?: Record<string, string>,
  ): void;
  close(): Promise<void>;
}

const REALM = 'Bearer realm="backend"';

/**
 * A backend that takes the access tokens of an authorization server. With `authority` it serves by TLS,
 * asks for client certificates, and takes tokens that are bound to one with that alone (RFC 8705 §3).
 */
export async function startBackend(
  options: AccessTokenCheck,
  { authority }: { readonly authority?: CertificateAuthority } = {},
): Promise<RunningBackend> {
  const verify = createTokenVerifier(options);
  const requests: BackendRequest[] = [];
  const revoked = new Set<string>();
  const scripted = new ScriptedResponses();
  let refusing = false;

  const tls = authority && (await tlsOf(authority, { asksForCertificate: true }));
  const server = await listen(async (req, res) => {
    const url = new URL(req.url ?? "/", "http://localhost");
    const body = await text(req);
    const certificate = thumbprintOfPeer(req);
    requests.push(recordOf(req, res, url.pathname, body, certificate));

    const answer = scripted.take();
    if (answer) return respond(res, answer.status, answer.body, answer.headers);

    const token = req.headers.authorization?.match(/^bearer +(\S+) *$/i)?.[1];
    // RFC 6750 (3.1): no error code for a request that carried no token at all.
    if (token === undefined) return challenge(res, 401);
    const claims = refusing || revoked.has(token) ? undefined : await verify(token);
    if (claims === undefined) return challenge(res, 401, "invalid_token");
    const { cnf } = claims as { cnf?: { "x5t#S256"?: string } };
    const boundTo = cnf?.["x5t#S256"];
    if (boundTo !== undefined && boundTo !== certificate) {
      return challenge(res, 401, "invalid_token");
    }
    if (/^\/v1\/admin(\/|$)/.test(url.pathname)) return challenge(res, 403, "insufficient_scope");

    if (url.pathname === "/v1/redirect") {
      const location = url.searchParams.get("to") ?? "/";
      return respond(res, Number(url.searchParams.get("status") ?? 302), undefined, { location });
    }
    respond(res, 200, {
      method: req.method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      body: parseBody(req, body),
      claims,
    });
  }, tls && { tls });

  return {
    url: `${server.origin}/v1/orders`,
    origin: server.origin,
    requests,
    connections: server.connections,
    revoke: (accessToken) => void revoked.add(accessToken),
    refuseAll: (on) => {
      refusing = on;
    },
    respondNext: (times, status, body, headers = {}) =>
      scripted.push(times, { status, body, headers }),
    close: server.close,
  };
}

function challenge(res: ServerResponse, status: number, error?: string): void {
  const header = error === undefined ? REALM : `${REALM}, error="${error}"`;
  respond(res, status, { error: error ?? "unauthorized" }, { "www-authenticate": header });
}

function recordOf(
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  body: string,
  certificate: string | undefined,
): BackendRequest {
  const { authorization } = req.headers;
  return {
    method: req.method ?? "",
    path,
    ...(authorization === undefined ? {} : { authorization }),
    headers: req.headers,
    body,
    ...(certificate === undefined ? {} : { certificate }),
    // Read from the response, so that it is right before the client can see the answer.
    get status() {
      return res.headersSent ? res.statusCode : 0;
    },
  };
}

function thumbprintOfPeer(req: IncomingMessage): string | undefined {
  const certificate = peerCertificate(req);
  return certificate && thumbprintOf(certificate);
}

function parseBody(req: IncomingMessage, body: string): unknown {
  if (body === "") return null;
  return req.headers["content-type"]?.includes("json") ? JSON.parse(body) : body;
}
