import { authMethods } from "../endpoint/client-authentication-fields.ts";
import { Problems, quoted } from "../endpoint/problems.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { privateKeyAlgorithms, secretAlgorithms } from "../endpoint/signature-algorithms.ts";
import { tokenEndpointUrl } from "../endpoint/url-rules.ts";
import { aboutIssuer, type IssuerMetadata } from "./issuer-metadata.ts";

/**
 * The endpoint with the token endpoint that its issuer names.
 * @throws ConfigurationError where credentials may not go there, or would be of no use there
 */
export function discoveredEndpoint(
  endpoint: ResolvedEndpoint,
  metadata: IssuerMetadata,
): ResolvedEndpoint {
  const tokenUrl = allowedTokenUrl(endpoint, metadata);
  checkAuthentication(endpoint, metadata);
  return { ...endpoint, settings: { ...endpoint.settings, tokenUrl } };
}

/** @see https://www.rfc-editor.org/rfc/rfc8705#section-5 for the alias */
function allowedTokenUrl(
  { label, settings, transport }: ResolvedEndpoint,
  metadata: IssuerMetadata,
): string {
  const alias = transport?.clientCertificate && metadata.mtlsTokenEndpoint;
  const tokenEndpoint = alias ?? metadata.tokenEndpoint;
  const { issuer = "", allowInsecureRequests, allowedTokenEndpointOrigins = [] } = settings;
  if (typeof tokenEndpoint !== "string") {
    throw aboutIssuer(label, {
      problem: "names no token endpoint in its metadata",
      mend: "give tokenUrl in its place",
    });
  }
  const problems = new Problems();
  tokenEndpointUrl(allowInsecureRequests === true)(tokenEndpoint, "issuer", problems);
  const [wrong] = problems.list;
  if (wrong !== undefined) {
    const problem = `names a token endpoint that ${wrong.problem}`;
    throw aboutIssuer(label, { problem, mend: wrong.mend });
  }
  const { origin } = new URL(tokenEndpoint);
  const allowed = [issuer, ...allowedTokenEndpointOrigins].map((url) => new URL(url).origin);
  if (!allowed.includes(origin)) {
    throw aboutIssuer(label, {
      problem: `names a token endpoint on another origin, ${origin}`,
      mend: "add that to allowedTokenEndpointOrigins, if credentials may go there",
    });
  }
  return tokenEndpoint;
}

/** Tells before the first request what the token endpoint would refuse. */
function checkAuthentication(
  { label, settings, keys }: ResolvedEndpoint,
  metadata: IssuerMetadata,
): void {
  const { tokenEndpointAuthMethod: method = "client_secret_basic" } = settings;
  const tokenUrlInstead = "or give tokenUrl in place of issuer, if it does take it";
  const offered = known(authMethods, metadata.authMethods);
  // Public clients are often taken and seldom told of.
  if (offered !== undefined && method !== "none" && !offered.includes(method)) {
    throw aboutIssuer(label, {
      path: "tokenEndpointAuthMethod",
      problem: `is "${method}", which the issuer doesn't take`,
      mend: `${offered.length > 0 ? `choose ${quoted(offered)}, ` : ""}${tokenUrlInstead}`,
    });
  }
  const algorithm =
    method === "client_secret_jwt"
      ? (settings.clientAssertionAlgorithm ?? "HS256")
      : keys.clientPrivateKey?.algorithm;
  const all = method === "client_secret_jwt" ? secretAlgorithms : privateKeyAlgorithms;
  const algorithms = known(all, metadata.signingAlgorithms);
  if (algorithm !== undefined && algorithms !== undefined && !algorithms.includes(algorithm)) {
    throw aboutIssuer(label, {
      path: "clientAssertionAlgorithm",
      problem: `is "${algorithm}", which the issuer doesn't take`,
      mend: `${algorithms.length > 0 ? `choose ${quoted(algorithms)}, ` : ""}${tokenUrlInstead}`,
    });
  }
}

/** Those of a list that we know ourselves, so that nothing else is quoted. */
function known(
  names: readonly string[],
  listed: readonly unknown[] | undefined,
): readonly string[] | undefined {
  return listed && names.filter((name) => listed.includes(name));
}
