import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import OAuth2Server from "@node-oauth/oauth2-server";
import { formatBasic, parseBasic } from "./basic-credentials.ts";
import { listen, respond } from "./http-server.ts";
import { createTokenStore } from "./oauth2-model.ts";
import { Registry, type TestClient, type TestUser } from "./registry.ts";
import {
  controlTokenEndpoint,
  parseForm,
  type TokenEndpointControls,
} from "./token-endpoint-control.ts";

interface OAuth2ServerOptions {
  /** Seconds; 3600 unless given. */
  accessTokenTtl?: number;
  /** Seconds; 14 days unless given. */
  refreshTokenTtl?: number;
  /** Added to the default clients; one with a default's id replaces it. */
  clients?: readonly TestClient[];
  /** Added to the default users. */
  users?: readonly TestUser[];
  /**
   * The package compares Basic credentials as they come, while RFC 6749 has them form-encoded
   * ("checkout%2Dsecret"). True (the default) decodes them first; false is the bare package.
   */
  decodeBasicCredentials?: boolean;
}

export interface RunningOAuth2Server extends TokenEndpointControls {
  tokenUrl: string;
  /** How many token families a spent refresh token, used again, has cost so far. */
  readonly familiesRevoked: number;
  setClientSecret(clientId: string, secret: string): void;
  isActive(accessToken: string): boolean;
  revoke(accessToken: string): void;
  close(): Promise<void>;
}

const TWO_WEEKS = 14 * 24 * 60 * 60;
const ONE_HOUR = 60 * 60;

export async function startOAuth2Server(
  options: OAuth2ServerOptions = {},
): Promise<RunningOAuth2Server> {
  const registry = new Registry(options.clients, options.users);
  const endpoint = controlTokenEndpoint(options.accessTokenTtl ?? ONE_HOUR);
  const store = createTokenStore(registry);
  const decodeBasic = options.decodeBasicCredentials ?? true;
  const oauth = new OAuth2Server({
    model: store.model,
    refreshTokenLifetime: options.refreshTokenTtl ?? TWO_WEEKS,
    // Left to the model, which knows the clients that have no secret.
    requireClientAuthentication: { password: false, refresh_token: false },
  });

  const issue = async (req: IncomingMessage, res: ServerResponse, body: string) => {
    const request = new OAuth2Server.Request({
      headers: plainHeaders(req.headers, decodeBasic),
      method: req.method ?? "GET",
      query: {},
      body: parseForm(body),
    });
    const response = new OAuth2Server.Response();
    try {
      await oauth.token(request, response, { accessTokenLifetime: endpoint.accessTokenTtl() });
      respond(res, 200, response.body, response.headers);
    } catch (error) {
      if (!(error instanceof OAuth2Server.OAuthError)) throw error;
      const { name, message, code } = error;
      respond(res, code, { error: name, error_description: message }, response.headers);
    }
  };

  const server = await listen((req, res) =>
    req.url?.split("?")[0] === "/token"
      ? endpoint.handle(req, res, (body) => issue(req, res, body))
      : respond(res, 404, { error: "not_found" }),
  );

  return {
    ...endpoint.controls,
    tokenUrl: `${server.origin}/token`,
    get familiesRevoked() {
      return store.familiesRevoked();
    },
    setClientSecret: (clientId, secret) => registry.setClientSecret(clientId, secret),
    isActive: store.isActive,
    revoke: store.revoke,
    close: server.close,
  };
}

function plainHeaders(headers: IncomingHttpHeaders, decodeBasic: boolean): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = String(value);
  }
  const basic = decodeBasic ? parseBasic(plain.authorization) : undefined;
  return basic === undefined ? plain : { ...plain, authorization: formatBasic(basic) };
}
