import { errors, type default as Provider } from "oidc-provider";
import { asked, type IssueOptions, issueToken, required } from "./oidc-issue-token.ts";
import type { Registry } from "./registry.ts";

interface PasswordGrantOptions extends IssueOptions {
  registry: Registry;
}

type GrantHandler = Parameters<Provider["registerGrantType"]>[1];

/** The password grant (RFC 6749, 4.3), which oidc-provider leaves to its users. */
export function registerPasswordGrant(provider: Provider, options: PasswordGrantOptions): void {
  const handler: GrantHandler = async (ctx, next) => {
    const { client, params } = asked(ctx);
    const username = required(params, "username");
    const password = required(params, "password");
    const user = options.registry.checkPassword(username, password);
    if (user === undefined) throw new errors.InvalidGrant("wrong username or password");

    const whose = { accountId: user.username, gty: "password" };
    const { body, shared, resource } = await issueToken(provider, ctx, whose, options);
    if (client.grantTypeAllowed("refresh_token")) {
      body.refresh_token = await new provider.RefreshToken({ ...shared, resource } as never).save();
    }
    ctx.body = body;
    await next();
  };
  provider.registerGrantType("password", handler, ["username", "password", "scope", "resource"]);
}
