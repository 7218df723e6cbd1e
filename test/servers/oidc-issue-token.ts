import {
  errors,
  type KoaContextWithOIDC,
  type default as Provider,
  type ResourceServer,
} from "oidc-provider";

export interface IssueOptions {
  defaultResource: string;
  resourceServer(resource: string): ResourceServer;
}

type Client = NonNullable<KoaContextWithOIDC["oidc"]["client"]>;

/** The client and the parameters of a request for a grant of ours. */
export function asked(ctx: KoaContextWithOIDC): {
  client: Client;
  params: Record<string, unknown>;
} {
  const { client, params = {} } = ctx.oidc;
  if (client === undefined) throw new errors.InvalidClient();
  return { client, params };
}

/** An access token for somebody, with what belongs to it: the answer's body. */
export async function issueToken(
  provider: Provider,
  ctx: KoaContextWithOIDC,
  { accountId, gty }: { accountId: string; gty: string },
  options: IssueOptions,
): Promise<{ body: Record<string, unknown>; shared: object; resource: string }> {
  const { client, params } = asked(ctx);
  const resource = typeof params.resource === "string" ? params.resource : options.defaultResource;
  const resourceServer = options.resourceServer(resource);
  const scope = grantedScope(params.scope, resourceServer);
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addResourceScope(resource, scope);
  const shared = { client, accountId, grantId: await grant.save(), gty, scope };

  const accessToken = new provider.AccessToken({ ...shared, resourceServer });
  // Ties the token to this request, whose parameters become claims.
  ctx.oidc.entity("AccessToken", accessToken);
  const body: Record<string, unknown> = {
    access_token: await accessToken.save(),
    expires_in: accessToken.expiration,
    token_type: accessToken.tokenType,
    scope: scope || undefined,
  };
  return { body, shared, resource };
}

export function required(params: Record<string, unknown>, name: string): string {
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
