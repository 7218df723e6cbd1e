import { errors, type default as Provider, type ResourceServer } from "oidc-provider";
import type { Registry } from "./registry.ts";

interface PasswordGrantOptions {
  registry: Registry;
  defaultResource: string;
  resourceServer(resource: string): ResourceServer;
}

type GrantHandler = Parameters<Provider["registerGrantType"]>[1];

/** The password grant (RFC 6749, 4.3), which oidc-provider leaves to its users. */
export function registerPasswordGrant(provider: Provider, options: PasswordGrantOptions): void {
  const handler: GrantHandler = async (ctx, next) => {
    const { client, params = {} } = ctx.oidc;
    if (client === undefined) throw new errors.InvalidClient();
    const username = required(params, "username");
    const password = required(params, "password");
    const user = options.registry.checkPassword(username, password);
    if (user === undefined) throw new errors.InvalidGrant("wrong username or password");

    const resource =
      typeof params.resource === "string" ? params.resource : options.defaultResource;
    const resourceServer = options.resourceServer(resource);
    const scope = grantedScope(params.scope, resourceServer);
    const grant = new provider.Grant({ accountId: user.username, clientId: client.clientId });
    grant.addResourceScope(resource, scope);
    const shared = {
      client,
      accountId: user.username,
      grantId: await grant.save(),
      gty: "password",
      scope,
    };

    const accessToken = new provider.AccessToken({ ...shared, resourceServer });
    // Ties the token to this request, whose parameters become claims.
    ctx.oidc.entity("AccessToken", accessToken);
    const body: Record<string, unknown> = {
      access_token: await accessToken.save(),
      expires_in: accessToken.expiration,
      token_type: accessToken.tokenType,
      scope: scope || undefined,
    };
    if (client.grantTypeAllowed("refresh_token")) {
      body.refresh_token = await new provider.RefreshToken({ ...shared, resource }).save();
    }
    ctx.body = body;
    await next();
  };
  provider.registerGrantType("password", handler, ["username", "password", "scope", "resource"]);
}

function required(params: Record<string, unknown>, name: string): string {
  const value = params[name];
  if (typeof value !== "string" || value === "") {
    throw new errors.InvalidRequest(`missing required parameter '${name}'`);
  }
  return value;
}

/** Unknown scopes are dropped, as oidc-provider itself does for client_credentials. */
function grantedScope(requested: unknown, resourceServer: ResourceServer): string {
  const known = new Set(resourceServer.scope.split(" "));
  const scopes = typeof requested === "string" ? requested.split(" ") : [];
  return [...new Set(scopes)].filter((scope) => known.has(scope)).join(" ");
}
