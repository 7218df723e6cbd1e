import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import { errors, type KoaContextWithOIDC, type default as Provider } from "oidc-provider";
import { asked, type IssueOptions, issueToken, required } from "./oidc-issue-token.ts";

interface AssertionGrantOptions extends IssueOptions {
  issuer: string;
  /** What the provider's own access tokens are signed with. */
  ownKeys: JSONWebKeySet;
  /** Whose assertions are taken. */
  trustedKeys: JSONWebKeySet;
}

type GrantHandler = Parameters<Provider["registerGrantType"]>[1];
type Verify = (token: string) => Promise<JWTPayload>;

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const JWT = "urn:ietf:params:oauth:token-type:jwt";

/** The grants of RFC 7523 and RFC 8693, which oidc-provider leaves to its users. */
export function registerAssertionGrants(provider: Provider, options: AssertionGrantOptions): void {
  const { issuer, trustedKeys, ownKeys } = options;
  const assertion: Verify = async (token) => {
    const audience = [issuer, `${issuer}/token`];
    const required = ["iss", "sub", "aud", "exp", "jti"];
    const keys = createLocalJWKSet(trustedKeys);
    const { payload } = await jwtVerify(token, keys, { audience, requiredClaims: required });
    return payload;
  };
  const ownToken: Verify = async (token) =>
    (await jwtVerify(token, createLocalJWKSet(ownKeys), { issuer })).payload;

  registerJwtBearer(provider, options, assertion);
  registerTokenExchange(provider, options, ownToken);
}

function registerJwtBearer(provider: Provider, options: IssueOptions, verify: Verify): void {
  const spent = new Set<unknown>();
  const handler: GrantHandler = async (ctx, next) => {
    const { params } = asked(ctx);
    const { sub = "", jti } = await claimsOf(required(params, "assertion"), verify);
    if (spent.has(jti)) throw new errors.InvalidGrant("assertion used before");
    spent.add(jti);
    const { body } = await issueToken(
      provider,
      ctx,
      { accountId: sub, gty: "jwt-bearer" },
      options,
    );
    ctx.body = body;
    await next();
  };
  provider.registerGrantType(JWT_BEARER, handler, ["assertion", "scope", "resource"]);
}

function registerTokenExchange(provider: Provider, options: IssueOptions, verify: Verify): void {
  const handler: GrantHandler = async (ctx, next) => {
    const { params } = asked(ctx);
    if (required(params, "subject_token_type") !== ACCESS_TOKEN) {
      throw new errors.InvalidRequest("subject_token_type not supported");
    }
    const { sub = "" } = await claimsOf(required(params, "subject_token"), verify);
    if (params.actor_token !== undefined) {
      if (required(params, "actor_token_type") !== ACCESS_TOKEN) {
        throw new errors.InvalidRequest("actor_token_type not supported");
      }
      const actor = await claimsOf(required(params, "actor_token"), verify);
      actingFor(ctx).actor = actor.client_id;
    }
    const { body } = await issueToken(provider, ctx, { accountId: sub, gty: "exchange" }, options);
    const other = params.requested_token_type === JWT;
    ctx.body = {
      ...body,
      token_type: other ? "N_A" : body.token_type,
      issued_token_type: other ? JWT : ACCESS_TOKEN,
    };
    await next();
  };
  provider.registerGrantType(TOKEN_EXCHANGE, handler, [
    "subject_token",
    "subject_token_type",
    "actor_token",
    "actor_token_type",
    "requested_token_type",
    "scope",
    "resource",
    "audience",
  ]);
}

/** Who acts for the subject, which becomes the claim `act`. */
export function actingFor(ctx: KoaContextWithOIDC): { actor?: unknown } {
  return ctx.state;
}

async function claimsOf(token: string, verify: Verify): Promise<JWTPayload> {
  return verify(token).catch(() => {
    throw new errors.InvalidGrant("not a token that is taken here");
  });
}
