import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  calculateJwkThumbprint,
  createRemoteJWKSet,
  EmbeddedJWK,
  type JWTPayload,
  jwtVerify,
} from "jose";
import { onTestFinished } from "vitest";
import { listen, respond } from "../servers/http-server.ts";

interface Trusted {
  readonly issuer: string;
  readonly jwksUrl: string;
  readonly audience: string;
}

export interface DpopBackend {
  readonly url: string;
  /** The claims of the proofs that came, good or not. */
  readonly proofs: readonly JWTPayload[];
  readonly statuses: readonly number[];
  /** From now on proofs need this nonce. */
  want(nonce: string | undefined): void;
  /** With its next answer it tells a nonce to use from then on. */
  tellNext(nonce: string): void;
  revoke(accessToken: string): void;
}

/** A backend that checks tokens and proofs as RFC 9449 §4.3 and §7 have it. */
export async function startDpopBackend({
  issuer,
  jwksUrl,
  audience,
}: Trusted): Promise<DpopBackend> {
  const keys = createRemoteJWKSet(new URL(jwksUrl));
  const proofs: JWTPayload[] = [];
  const statuses: number[] = [];
  const seen = new Set<string>();
  const revoked = new Set<string>();
  let wanted: string | undefined;
  let next: string | undefined;

  const refusal = async (req: IncomingMessage): Promise<string | undefined> => {
    const [, token = ""] = /^DPoP (\S+)$/.exec(req.headers.authorization ?? "") ?? [];
    if (token === "" || revoked.has(token)) return "invalid_token";
    const { payload: access } = await jwtVerify(token, keys, { issuer, audience });
    const { payload, protectedHeader } = await jwtVerify(String(req.headers.dpop), EmbeddedJWK, {
      typ: "dpop+jwt",
      maxTokenAge: 60,
    });
    proofs.push(payload);
    const url = new URL(req.url ?? "/", origin);
    const thumbprint = await calculateJwkThumbprint(protectedHeader.jwk as never);
    const isGood =
      payload.htm === req.method &&
      payload.htu === `${url.origin}${url.pathname}` &&
      payload.ath === createHash("sha256").update(token).digest("base64url") &&
      (access.cnf as { jkt?: string } | undefined)?.jkt === thumbprint &&
      !("d" in (protectedHeader.jwk ?? {})) &&
      typeof payload.jti === "string" &&
      !seen.has(payload.jti);
    seen.add(String(payload.jti));
    if (!isGood) return "invalid_dpop_proof";
    return payload.nonce === wanted ? undefined : "use_dpop_nonce";
  };

  const serve = async (req: IncomingMessage, res: ServerResponse) => {
    const error = await refusal(req).catch(() => "invalid_token");
    const nonce = error === "use_dpop_nonce" ? wanted : next;
    if (nonce !== undefined) res.setHeader("dpop-nonce", nonce);
    if (next !== undefined) {
      wanted = next;
      next = undefined;
    }
    const status = error === undefined ? 200 : 401;
    statuses.push(status);
    if (error !== undefined)
      res.setHeader("www-authenticate", `DPoP error="${error}", algs="ES256"`);
    respond(res, status, {});
  };
  const server = await listen(serve);
  const { origin } = server;
  onTestFinished(server.close);
  return {
    url: `${origin}/v1`,
    proofs,
    statuses,
    want: (nonce) => {
      wanted = nonce;
    },
    tellNext: (nonce) => {
      next = nonce;
    },
    revoke: (token) => revoked.add(token),
  };
}
