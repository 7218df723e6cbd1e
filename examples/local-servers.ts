/** Real servers on this machine, where an example needs yours. Nothing here is for copying. */
import { timingSafeEqual } from "node:crypto";
import { text } from "node:stream/consumers";
import OAuth2Server from "@node-oauth/oauth2-server";
import { type RunningBackend, startBackend } from "../test/servers/backend.ts";
import { startDigestServer } from "../test/servers/digest-server.ts";
import { listen, respond } from "../test/servers/http-server.ts";
import {
  type RunningAuthorizationServer,
  startOidcProvider,
} from "../test/servers/oidc-provider.ts";
import { parseForm } from "../test/servers/token-endpoint-control.ts";

export interface LocalServers extends AsyncDisposable {
  /** oidc-provider, an OpenID-certified authorization server. */
  readonly idp: RunningAuthorizationServer;
  readonly tokenUrl: string;
  /** Verifies the JWTs, and answers with what it saw. */
  readonly backend: RunningBackend;
  readonly backendUrl: string;
}

/** What the backend answers with. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: Record<string, string>;
  readonly body: unknown;
  /** The access token's. */
  readonly claims: Record<string, unknown>;
}

/** An authorization server and a backend. */
export async function startLocalServers(
  options?: Parameters<typeof startOidcProvider>[0],
): Promise<LocalServers> {
  const idp = await startOidcProvider(options);
  const backend = await startBackend(idp);
  return {
    idp,
    tokenUrl: idp.tokenUrl,
    backend,
    backendUrl: `${backend.origin}/v1`,
    async [Symbol.asyncDispose]() {
      await backend.close();
      await idp.close();
    },
  };
}

interface HeaderServer extends AsyncDisposable {
  readonly url: string;
}

/** A backend that wants exactly this header. */
export async function startHeaderBackend(name: string, value: string): Promise<HeaderServer> {
  const server = await listen((req, res) => {
    const sent = Buffer.from(String(req.headers[name.toLowerCase()] ?? ""));
    const wanted = Buffer.from(value);
    const fits = sent.length === wanted.length && timingSafeEqual(sent, wanted);
    respond(res, fits ? 200 : 401, { path: req.url });
  });
  return { url: server.origin, [Symbol.asyncDispose]: () => server.close() };
}

/** A backend that wants Digest credentials, by SHA-256. */
export async function startDigestBackend(username: string, password: string) {
  const challenges = [{ algorithm: "SHA-256", qop: "auth", charset: "UTF-8" as const }];
  const { origin, statuses, close } = await startDigestServer({ challenges, username, password });
  return { url: origin, statuses, [Symbol.asyncDispose]: close };
}

interface TerminalServers extends AsyncDisposable {
  readonly tokenUrl: string;
  readonly backendUrl: string;
  readonly tokenRequests: readonly Readonly<Record<string, string | string[]>>[];
}

/** An authorization server (@node-oauth/oauth2-server) with an extension grant, and a backend. */
export async function startTerminalServers(
  grantType: string,
  accepts: (parameters: Readonly<Record<string, unknown>>) => boolean,
): Promise<TerminalServers> {
  const tokens = new Map<string, OAuth2Server.Token>();
  const tokenRequests: Record<string, string | string[]>[] = [];
  const model: OAuth2Server.ExtensionModel = {
    getClient: async (id, secret) =>
      id === "checkout" && secret === "checkout-secret" ? { id, grants: [grantType] } : undefined,
    saveToken: async (token, client, user) => {
      const saved = { ...token, client, user };
      tokens.set(token.accessToken, saved);
      return saved;
    },
    getAccessToken: async (token) => tokens.get(token),
  };

  class TerminalGrant extends OAuth2Server.AbstractGrantType {
    async handle(request: OAuth2Server.Request, client: OAuth2Server.Client) {
      if (!accepts(request.body)) throw new OAuth2Server.InvalidGrantError("unknown terminal");
      const accessToken = await this.generateAccessToken(client, {}, []);
      const accessTokenExpiresAt = this.getAccessTokenExpiresAt();
      return model.saveToken({ accessToken, accessTokenExpiresAt, client, user: {} }, client, {});
    }
  }

  const oauth = new OAuth2Server({ model, extendedGrantTypes: { [grantType]: TerminalGrant } });
  const server = await listen(async (req, res) => {
    const body = parseForm(await text(req));
    tokenRequests.push(body);
    const headers = Object.fromEntries(
      Object.entries(req.headers).map(([name, value]) => [name, String(value)]),
    );
    const request = new OAuth2Server.Request({ method: "POST", headers, query: {}, body });
    const response = new OAuth2Server.Response();
    try {
      await oauth.token(request, response);
      respond(res, 200, response.body);
    } catch (error) {
      if (!(error instanceof OAuth2Server.OAuthError)) throw error;
      respond(res, error.code, { error: error.name, error_description: error.message });
    }
  });
  const isActive = (token: string) => tokens.has(token);
  const backend = await startBackend({ isActive });
  return {
    tokenUrl: `${server.origin}/token`,
    backendUrl: `${backend.origin}/v1`,
    tokenRequests,
    async [Symbol.asyncDispose]() {
      await backend.close();
      await server.close();
    },
  };
}
