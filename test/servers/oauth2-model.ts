import { randomUUID } from "node:crypto";
import type OAuth2Server from "@node-oauth/oauth2-server";
import { type Registry, SCOPES } from "./registry.ts";

type Model = OAuth2Server.ClientCredentialsModel &
  OAuth2Server.PasswordModel &
  OAuth2Server.RefreshTokenModel;

interface StoredRefreshToken extends OAuth2Server.RefreshToken {
  spent: boolean;
}

interface TokenStore {
  model: Model;
  familiesRevoked(): number;
  isActive(accessToken: string): boolean;
  revoke(accessToken: string): void;
}

/** Tokens of one sign-in form a family, whose id travels with the user through each refresh. */
export function createTokenStore(registry: Registry): TokenStore {
  const accessTokens = new Map<string, OAuth2Server.Token>();
  const refreshTokens = new Map<string, StoredRefreshToken>();
  const revokedFamilies = new Set<string>();

  const model: Model = {
    getClient: async (clientId, clientSecret?: string | null) => {
      const client = registry.client(clientId);
      if (client === undefined) return null;
      if (client.authMethod !== "none" && client.clientSecret !== clientSecret) return null;
      return { id: client.clientId, grants: [...client.grantTypes] };
    },
    getUserFromClient: async (client) => newFamily(client.id),
    getUser: async (username, password) => {
      const user = registry.checkPassword(username, password);
      return user && newFamily(user.username);
    },
    validateScope: async (_user, _client, scope = [...SCOPES]) =>
      scope.every((name) => SCOPES.includes(name)) && scope,
    saveToken: async (token, client, user) => {
      // The package leaves a refresh token out, or undefined, where the grant has none.
      const { refreshToken } = token;
      const saved = { ...token, client: { ...client }, user };
      accessTokens.set(token.accessToken, saved);
      if (refreshToken !== undefined && client.grants.includes("refresh_token")) {
        refreshTokens.set(refreshToken, { ...saved, refreshToken, spent: false });
        return saved;
      }
      return withoutRefreshToken(saved);
    },
    getAccessToken: async (accessToken) => accessTokens.get(accessToken),
    getRefreshToken: async (refreshToken) => {
      const stored = refreshTokens.get(refreshToken);
      if (stored === undefined || !refuseReuse(stored)) return null;
      return stored;
    },
    revokeToken: async ({ refreshToken }) => {
      const stored = refreshTokens.get(refreshToken);
      // Asked again: another request may have spent it since getRefreshToken().
      if (stored === undefined || !refuseReuse(stored)) return false;
      stored.spent = true;
      return true;
    },
  };

  /** False for a token that may not be used; using a spent one costs the family its tokens. */
  function refuseReuse(stored: StoredRefreshToken): boolean {
    if (stored.spent) revokedFamilies.add(stored.user.family);
    return !revokedFamilies.has(stored.user.family);
  }

  return {
    model,
    familiesRevoked: () => revokedFamilies.size,
    isActive: (accessToken) => {
      const token = accessTokens.get(accessToken);
      if (token === undefined || revokedFamilies.has(token.user.family)) return false;
      return (token.accessTokenExpiresAt?.getTime() ?? 0) > Date.now();
    },
    revoke: (accessToken) => void accessTokens.delete(accessToken),
  };
}

function newFamily(name: string): { name: string; family: string } {
  return { name, family: randomUUID() };
}

function withoutRefreshToken(token: OAuth2Server.Token): OAuth2Server.Token {
  const { refreshToken: _token, refreshTokenExpiresAt: _expiry, ...rest } = token;
  return rest;
}
