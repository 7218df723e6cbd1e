import { randomBytes, randomUUID } from "node:crypto";
import { exportJWK, generateKeyPair, type JSONWebKeySet } from "jose";
import Provider, {
  errors,
  type JWK,
  type KoaContextWithOIDC,
  type ResourceServer,
} from "oidc-provider";
import type { CertificateAuthority } from "./certificate-authority.ts";
import { type HttpHandler, listen, respond } from "./http-server.ts";
import { actingFor, registerAssertionGrants } from "./oidc-assertion-grants.ts";
import { memoryAdapter } from "./oidc-memory-adapter.ts";
import { authMethods, mutualTls } from "./oidc-mutual-tls.ts";
import { registerPasswordGrant } from "./oidc-password-grant.ts";
import { Registry, SCOPES, type TestClient, type TestUser } from "./registry.ts";
import { replayRequest } from "./replay-request.ts";
import { tlsOf } from "./tls-server.ts";
import { controlTokenEndpoint, type TokenEndpointControls } from "./token-endpoint-control.ts";

interface OidcProviderOptions {
  /** Seconds; 3600 unless given. */
  accessTokenTtl?: number;
  /** Seconds; 14 days unless given. */
  refreshTokenTtl?: number;
  /** Added to the default clients; one with a default's id replaces it. */
  clients?: readonly TestClient[];
  /** Binds tokens to keys (RFC 9449), with a nonce in the proof or without. */
  dpop?: { readonly requireNonce: boolean };
  /** Public keys of those whose assertions are taken (RFC 7523). */
  assertionKeys?: readonly JWK[];
  /**
   * Serves by TLS, with a certificate of this authority, and a second time at a port that asks for
   * client certificates: that is where the metadata's `mtls_endpoint_aliases` point (RFC 8705).
   */
  mutualTls?: { readonly authority: CertificateAuthority };
  /** Added to the default users. */
  users?: readonly TestUser[];
}

export interface RunningAuthorizationServer extends TokenEndpointControls {
  issuer: string;
  tokenUrl: string;
  /** Where client certificates are asked for; the same as `tokenUrl` without `mutualTls`. */
  mutualTlsTokenUrl: string;
  jwksUrl: string;
  /** The keys at `jwksUrl`, for those who can't fetch them: with `mutualTls` alone. */
  jwks?: JSONWebKeySet;
  /** Paths asked at the port for client certificates, in order of arrival. */
  readonly mutualTlsRequests: readonly string[];
  /** The `aud` of access tokens when the request names no resource. */
  audience: string;
  /** Rotates a client's secret while the server runs. */
  setClientSecret(clientId: string, secret: string): void;
  close(): Promise<void>;
}

const DEFAULT_RESOURCE = "https://orders.example.test";
const RESOURCES = new Set([DEFAULT_RESOURCE, "https://reports.example.test"]);
const ASSERTION_ALGORITHMS = [
  ...(["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const),
  ...(["ES256", "ES384", "ES512", "EdDSA"] as const),
];
const TWO_WEEKS = 14 * 24 * 60 * 60;
const ONE_HOUR = 60 * 60;

export async function startOidcProvider(
  options: OidcProviderOptions = {},
): Promise<RunningAuthorizationServer> {
  const registry = new Registry(options.clients, options.users);
  const endpoint = controlTokenEndpoint(options.accessTokenTtl ?? ONE_HOUR);
  const signingKey = await createSigningKey();

  // The issuer contains the port, so the provider can only be made once the server listens.
  let handle: HttpHandler = (_req, res) => respond(res, 503);
  const authority = options.mutualTls?.authority;
  const server = await listen(
    (req, res) => handle(req, res),
    authority === undefined ? {} : { tls: await tlsOf(authority) },
  );
  const mutualTlsRequests: string[] = [];
  const mutualTlsServer =
    authority &&
    (await listen(
      (req, res) => {
        mutualTlsRequests.push(pathOf(req.url));
        return handle(req, res);
      },
      { tls: await tlsOf(authority, { asksForCertificate: true }) },
    ));
  const mutualTlsTokenUrl = `${(mutualTlsServer ?? server).origin}/token`;

  const resourceServer = (resource: string): ResourceServer => {
    if (!RESOURCES.has(resource)) throw new errors.InvalidTarget();
    return {
      audience: resource,
      scope: SCOPES.join(" "),
      accessTokenFormat: "jwt",
      jwt: { sign: { alg: "ES256" } },
    };
  };

  // Adapter, keys, interactions and lifetimes: left out, each would make the package print a notice.
  const provider = new Provider(server.origin, {
    adapter: memoryAdapter(registry),
    jwks: { keys: [signingKey] },
    cookies: { keys: [randomUUID()] },
    features: {
      clientCredentials: { enabled: true },
      ...(authority === undefined ? {} : { mTLS: mutualTls }),
      devInteractions: { enabled: false },
      dPoP: {
        enabled: options.dpop !== undefined,
        nonceSecret: randomBytes(32),
        requireNonce: () => options.dpop?.requireNonce ?? false,
        allowReplay: false,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => DEFAULT_RESOURCE,
        getResourceServerInfo: (_ctx, resource) => resourceServer(resource),
        useGrantedResource: () => true,
      },
    },
    ttl: {
      AccessToken: endpoint.accessTokenTtl,
      ClientCredentials: endpoint.accessTokenTtl,
      RefreshToken: () => options.refreshTokenTtl ?? TWO_WEEKS,
      Grant: () => TWO_WEEKS,
    },
    rotateRefreshToken: true,
    ...(authority === undefined
      ? {}
      : {
          clientAuthMethods: authMethods,
          discovery: { mtls_endpoint_aliases: { token_endpoint: mutualTlsTokenUrl } },
        }),
    enabledJWA: {
      clientAuthSigningAlgValues: [...ASSERTION_ALGORITHMS],
      dPoPSigningAlgValues: ["ES256", "EdDSA", "RS256"],
    },
    extraTokenClaims: customClaims,
    findAccount: (_ctx, sub) => registry.user(sub) && { accountId: sub, claims: () => ({ sub }) },
  });
  // Koa prints what goes wrong with a connection, such as a client that gave up waiting.
  provider.app.silent = true;
  const issuing = { defaultResource: DEFAULT_RESOURCE, resourceServer };
  registerPasswordGrant(provider, { ...issuing, registry });
  const { d: _, ...verificationKey } = signingKey;
  const ownKeys = { keys: [verificationKey as never] };
  registerAssertionGrants(provider, {
    ...issuing,
    issuer: server.origin,
    ownKeys,
    trustedKeys: { keys: [...(options.assertionKeys ?? [])] as never },
  });

  const callback = provider.callback();
  handle = (req, res) =>
    pathOf(req.url) === "/token"
      ? endpoint.handle(req, res, (body) => callback(replayRequest(req, body), res))
      : callback(req, res);

  return {
    ...endpoint.controls,
    issuer: server.origin,
    tokenUrl: `${server.origin}/token`,
    mutualTlsTokenUrl,
    mutualTlsRequests,
    jwksUrl: `${server.origin}/jwks`,
    ...(authority === undefined ? {} : { jwks: ownKeys }),
    audience: DEFAULT_RESOURCE,
    setClientSecret: (clientId, secret) => registry.setClientSecret(clientId, secret),
    close: async () => {
      await Promise.all([server.close(), mutualTlsServer?.close()]);
    },
  };
}

/** A custom body parameter and a custom header, each of which ends up as a claim. */
function customClaims(ctx: KoaContextWithOIDC): Record<string, unknown> {
  const tenant = ctx.oidc.body?.tenant;
  const region = ctx.headers["x-tenant-region"];
  const { actor } = actingFor(ctx);
  return {
    ...(typeof tenant === "string" ? { tenant } : {}),
    ...(typeof region === "string" ? { region } : {}),
    ...(actor === undefined ? {} : { act: { sub: actor } }),
  };
}

async function createSigningKey(): Promise<JWK> {
  // ES256: an RSA key would take most of the start-up time.
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: "ES256", use: "sig", kid: randomUUID() };
}

function pathOf(url = "/"): string {
  return new URL(url, "http://localhost").pathname;
}
