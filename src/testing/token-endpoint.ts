import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { type Clock, systemClock } from "../clock.ts";
import { type RecordedTokenRequest, recordedRequest } from "./recorded-request.ts";
import { SigningKey } from "./signing-key.ts";

/** Options of {@link createTokenEndpoint}. */
export interface TokenEndpointOptions {
  /**
   * How long tokens live, in seconds.
   * @default 3600
   */
  readonly lifetimeSeconds?: number | undefined;
  /**
   * How long a token request takes, in milliseconds.
   * @default 0
   */
  readonly latencyMs?: number | undefined;
  /**
   * Whether every token comes with a refresh token, which is rotated.
   * @default false
   */
  readonly refreshTokens?: boolean | undefined;
  /**
   * By which clock tokens are issued and expire: that of the `EndpointSecurity`.
   * @default the system's clock
   */
  readonly clock?: Clock | undefined;
}

/** The response to the next token request, instead of a token. */
export interface ScriptedResponse {
  /** @default 200 */
  readonly status?: number | undefined;
  /** An object is sent as JSON. @default a new token */
  readonly body?: string | object | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How long the answer takes, in milliseconds. */
  readonly delayMs?: number | undefined;
  /** Breaks the connection off instead of answering. */
  readonly reset?: boolean | undefined;
}

/** A running authorization server. Made by {@link createTokenEndpoint}. */
export interface TestTokenEndpoint extends AsyncDisposable {
  /** For `tokenUrl`. */
  readonly tokenUrl: string;
  /** For `issuer`: it has metadata, and keys that verify the tokens. */
  readonly issuer: string;
  /** For `url`: a backend that answers 200 to its tokens, with their claims, and else 401. */
  readonly resourceUrl: string;
  /** Every token request so far, in the order of arrival. */
  readonly requests: readonly RecordedTokenRequest[];
  /** How long tokens live that are issued from now on, in seconds. */
  lifetimeSeconds: number;
  /** How long a token request takes from now on, in milliseconds. */
  latencyMs: number;
  /** Scripts the answer to the next token request; called again, to the one after it. */
  next(answer: ScriptedResponse): void;
  /** All token requests fail with this status, until it is called without one. */
  failWith(status?: number): void;
  /** The backend no longer accepts this access token. */
  revoke(accessToken: string): void;
  close(): Promise<void>;
}

/**
 * Starts an authorization server on loopback, in this process: every grant, any client and secret. Its
 * tokens are signed JWTs.
 * @example
 * ```ts
 * await using idp = await createTokenEndpoint();
 * const orders = { ...config, url: idp.resourceUrl, tokenUrl: idp.tokenUrl };
 * idp.failWith(503);
 * await expect(security.getAuthHeader(orders)).rejects.toMatchObject({ code: "token_endpoint_unavailable" });
 * ```
 */
export async function createTokenEndpoint(
  options: TokenEndpointOptions = {},
): Promise<TestTokenEndpoint> {
  const server = new TokenEndpointServer(options);
  await server.listen();
  return server;
}

class TokenEndpointServer implements TestTokenEndpoint {
  readonly requests: RecordedTokenRequest[] = [];
  lifetimeSeconds: number;
  latencyMs: number;
  readonly #key = new SigningKey();
  readonly #refreshTokens: boolean;
  readonly #clock: Clock;
  readonly #script: ScriptedResponse[] = [];
  readonly #issued = new Map<string, { readonly claims: object; readonly expiresAt: number }>();
  readonly #server = createServer((req, res) => void this.#handle(req, res));
  #failure: number | undefined;
  #origin = "";
  #serial = 0;

  constructor({
    lifetimeSeconds = 3_600,
    latencyMs = 0,
    refreshTokens = false,
    clock = systemClock,
  }: TokenEndpointOptions) {
    this.lifetimeSeconds = lifetimeSeconds;
    this.latencyMs = latencyMs;
    this.#refreshTokens = refreshTokens;
    this.#clock = clock;
  }

  async listen(): Promise<void> {
    await new Promise<void>((listening) => this.#server.listen(0, "127.0.0.1", listening));
    const { port } = this.#server.address() as AddressInfo;
    this.#origin = `http://127.0.0.1:${port}`;
  }

  get issuer(): string {
    return this.#origin;
  }

  get tokenUrl(): string {
    return `${this.#origin}/token`;
  }

  get resourceUrl(): string {
    return `${this.#origin}/resource`;
  }

  next(answer: ScriptedResponse): void {
    this.#script.push(answer);
  }

  failWith(status?: number): void {
    this.#failure = status;
  }

  revoke(accessToken: string): void {
    this.#issued.delete(accessToken);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = (req.url ?? "/").split("?")[0] ?? "/";
    if (path === "/token") return this.#answerTokenRequest(req, res);
    if (path.startsWith("/.well-known/")) return send(res, 200, this.#metadata());
    if (path === "/keys") return send(res, 200, { keys: [this.#key.jwk] });
    req.resume();
    const [, token = ""] = /^(?:Bearer|DPoP) (.+)$/i.exec(req.headers.authorization ?? "") ?? [];
    const issued = this.#issued.get(token);
    if (issued !== undefined && this.#clock.now() < issued.expiresAt) {
      return send(res, 200, { method: req.method, path: req.url, claims: issued.claims });
    }
    res.setHeader("www-authenticate", 'Bearer error="invalid_token"');
    send(res, 401, { error: "invalid_token" });
  }

  async #answerTokenRequest(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const request = recordedRequest(req.headers, await text(req));
    this.requests.push(request);
    // Decided on arrival, so that a slow answer is for the request that came first.
    const scripted = this.#script.shift();
    const failure = this.#failure;
    await pause(scripted?.delayMs ?? this.latencyMs, undefined, { ref: false });
    if (scripted?.reset) return void req.socket.destroy();
    if (scripted === undefined && failure !== undefined) {
      return send(res, failure, {
        error: failure >= 500 ? "temporarily_unavailable" : "invalid_request",
      });
    }
    const { status = 200, headers = {}, body } = scripted ?? {};
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
    send(res, status, body ?? (status < 400 ? this.#issue(request) : { error: "invalid_request" }));
  }

  #issue({ clientId, parameters, headers }: RecordedTokenRequest): object {
    const now = this.#clock.now() / 1_000;
    const { scope, audience } = parameters;
    const claims = {
      iss: this.issuer,
      sub: parameters.username ?? clientId,
      client_id: clientId,
      aud: audience ?? this.resourceUrl,
      ...(scope !== undefined && { scope }),
      iat: Math.floor(now),
      // Never before `expires_in`.
      exp: Math.ceil(now) + this.lifetimeSeconds,
      jti: String(++this.#serial),
    };
    const accessToken = this.#key.jwt(claims);
    this.#issued.set(accessToken, {
      claims,
      expiresAt: this.#clock.now() + this.lifetimeSeconds * 1_000,
    });
    return {
      access_token: accessToken,
      token_type: headers.dpop === undefined ? "Bearer" : "DPoP",
      expires_in: this.lifetimeSeconds,
      ...(scope !== undefined && { scope }),
      ...(this.#refreshTokens && { refresh_token: `refresh-${this.#serial}` }),
      ...(isExchange(parameters) && {
        issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
      }),
    };
  }

  #metadata(): object {
    return {
      issuer: this.issuer,
      token_endpoint: this.tokenUrl,
      jwks_uri: `${this.#origin}/keys`,
      authorization_endpoint: `${this.#origin}/authorize`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
    };
  }
}

function isExchange({ grant_type }: RecordedTokenRequest["parameters"]): boolean {
  return grant_type === "urn:ietf:params:oauth:grant-type:token-exchange";
}

function send(res: ServerResponse, status: number, body: string | object): void {
  res.statusCode = status;
  if (!res.hasHeader("content-type")) res.setHeader("content-type", "application/json");
  res.end(typeof body === "string" ? body : JSON.stringify(body));
}
