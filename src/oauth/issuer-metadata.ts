import { isRecord } from "../checks/kinds.ts";
import { ConfigurationError } from "../errors.ts";
import type { Fetch } from "../http/fetch-types.ts";
import { limitedText } from "../http/limited-body.ts";
import { noStore } from "../http/no-store.ts";
import { redactorFor } from "./redaction.ts";
import { failureOf, transportFailure } from "./token-failure.ts";

/** The part of an issuer's metadata that matters here. None of it is trusted yet. */
export interface IssuerMetadata {
  readonly tokenEndpoint: unknown;
  /** The token endpoint for clients with a certificate, if it is another one. */
  readonly mtlsTokenEndpoint: unknown;
  /** Undefined if the metadata doesn't say it. */
  readonly authMethods: readonly unknown[] | undefined;
  readonly signingAlgorithms: readonly unknown[] | undefined;
}

interface Asking {
  /** What messages call the endpoint. */
  readonly endpoint: string;
  readonly fetch: Fetch | undefined;
  readonly signal: AbortSignal;
}

const largestBody = 1024 * 1024;

/**
 * Requests an issuer's metadata: first at the URL of OpenID Connect, then at the URL of OAuth 2.0.
 *
 * @see https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
 * @see https://www.rfc-editor.org/rfc/rfc8414#section-3
 * @throws TokenEndpointUnavailableError if it can't be fetched now
 * @throws ConfigurationError if there is none, or it is another issuer's
 */
export async function issuerMetadata(issuer: string, asking: Asking): Promise<IssuerMetadata> {
  const missing: string[] = [];
  for (const url of placesOf(issuer)) {
    const found = await ask(url, asking);
    if (typeof found === "string") missing.push(`${url} (${found})`);
    else return checked(found, issuer, url, asking.endpoint);
  }
  throw aboutIssuer(asking.endpoint, {
    problem: `has no metadata at ${missing.join(" nor at ")}`,
    fix: "check it, or set tokenUrl instead of issuer",
  });
}

/** A mistake in the issuer, or in its metadata. */
export function aboutIssuer(
  endpoint: string,
  { path = "issuer", ...what }: { path?: string; problem: string; fix: string },
): ConfigurationError {
  return ConfigurationError.of({ path, ...what }, endpoint);
}

function placesOf(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ];
}

/** The metadata, or why there is none. */
async function ask(
  url: string,
  { endpoint, fetch, signal }: Asking,
): Promise<Record<string, unknown> | string> {
  // Nothing secret was sent, so nothing secret can come back.
  const context = { endpoint, tokenUrl: url, redact: redactorFor([]) };
  let response: Response;
  let text: string;
  try {
    // Neither credentials nor custom headers: the server isn't trusted yet.
    response = await (fetch ?? globalThis.fetch)(url, {
      headers: { accept: "application/json" },
      redirect: "manual",
      signal,
      ...noStore,
    });
    text = await limitedText(response, largestBody);
  } catch (error) {
    throw transportFailure(error, context);
  }
  if (response.status === 429 || response.status >= 500) {
    throw failureOf(response, undefined, context);
  }
  if (response.status !== 200) return String(response.status);
  try {
    const body: unknown = JSON.parse(text);
    return isRecord(body) ? body : "no JSON object";
  } catch {
    return "no JSON";
  }
}

/** `{tenantid}` in the issuer of a multi-tenant server. */
function isTemplate(issuer: unknown): boolean {
  return typeof issuer === "string" && issuer.includes("{");
}

function checked(
  body: Record<string, unknown>,
  issuer: string,
  url: string,
  endpoint: string,
): IssuerMetadata {
  // An issuer that could speak for another one could have credentials sent to itself.
  if (body.issuer !== issuer) {
    if (isTemplate(body.issuer)) {
      throw aboutIssuer(endpoint, {
        problem: `has metadata at ${url} that names a template, such as {tenantid}, instead of an issuer`,
        fix: "set tokenUrl instead of issuer",
      });
    }
    const slash = typeof body.issuer === "string" && `${body.issuer}/` === issuer;
    const almost = slash || body.issuer === `${issuer}/`;
    throw aboutIssuer(endpoint, {
      problem: almost
        ? `is written ${slash ? "without" : "with"} a slash at the end in the metadata at ${url}`
        : `is not the issuer that the metadata at ${url} names`,
      fix: "write it exactly as its metadata does",
    });
  }
  const { token_endpoint, mtls_endpoint_aliases: aliases } = body;
  return {
    tokenEndpoint: token_endpoint,
    mtlsTokenEndpoint: isRecord(aliases) ? aliases.token_endpoint : undefined,
    authMethods: listIn(body.token_endpoint_auth_methods_supported),
    signingAlgorithms: listIn(body.token_endpoint_auth_signing_alg_values_supported),
  };
}

function listIn(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}
