import { isRecord } from "../endpoint/problems.ts";
import { ConfigurationError } from "../errors.ts";
import type { Fetch } from "../http/fetch-types.ts";
import { limitedText } from "../http/limited-body.ts";
import type { Redactor } from "./redaction.ts";
import { failureOf, transportFailure } from "./token-failure.ts";

/** What an issuer tells of itself, as far as it matters here. Nothing in it is to be trusted yet. */
export interface IssuerMetadata {
  readonly tokenEndpoint: unknown;
  /** Where clients with a certificate find it, if it is elsewhere. */
  readonly mtlsTokenEndpoint: unknown;
  /** Undefined where it doesn't tell. */
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
 * Asks an issuer for its metadata: first where OpenID Connect has it, then where OAuth 2.0 has it.
 *
 * @see https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
 * @see https://www.rfc-editor.org/rfc/rfc8414#section-3
 * @throws TokenEndpointUnavailableError where it can't be had now
 * @throws ConfigurationError where there is none, or it is another issuer's
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
    mend: "check it, or give tokenUrl in its place",
  });
}

/** A mistake in the issuer, or in what it tells. */
export function aboutIssuer(
  endpoint: string,
  { path = "issuer", ...what }: { path?: string; problem: string; mend: string },
): ConfigurationError {
  return new ConfigurationError({ endpoint, problems: [{ path, ...what }] });
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
  const context = { endpoint, tokenUrl: url, redact: nothingToQuote };
  let response: Response;
  let text: string;
  try {
    // No credentials and no custom headers: whoever answers here isn't known yet.
    response = await (fetch ?? globalThis.fetch)(url, {
      headers: { accept: "application/json" },
      redirect: "manual",
      signal,
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

/** What others say here is never quoted. */
const nothingToQuote: Redactor = { quote: () => "[redacted]", shows: () => true };

function checked(
  body: Record<string, unknown>,
  issuer: string,
  url: string,
  endpoint: string,
): IssuerMetadata {
  // An issuer that could speak for another one could have credentials sent to itself.
  if (body.issuer !== issuer) {
    const slash = typeof body.issuer === "string" && `${body.issuer}/` === issuer;
    const almost = slash || body.issuer === `${issuer}/`;
    throw aboutIssuer(endpoint, {
      problem: almost
        ? `is written ${slash ? "without" : "with"} a slash at its end in the metadata at ${url}`
        : `is not the one that the metadata at ${url} is of`,
      mend: "write it exactly as its metadata does",
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
