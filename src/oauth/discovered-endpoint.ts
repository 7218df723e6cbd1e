import { Problems, quoted } from "../checks/check.ts";
import { tokenEndpointUrl } from "../checks/url-checks.ts";
import { authMethods } from "../configuration/client-authentication-fields.ts";
import {
  defaultSecretAlgorithm,
  privateKeyAlgorithms,
  secretAlgorithms,
} from "../credentials/signature-algorithms.ts";
import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";
import { aboutIssuer, type IssuerMetadata } from "./issuer-metadata.ts";

/**
 * The endpoint with the token endpoint that its issuer names.
 * @throws ConfigurationError if credentials may not go there, or would be of no use there
 */
export function discoveredEndpoint(
  endpoint: ResolvedEndpoint,
  metadata: IssuerMetadata,
): ResolvedEndpoint {
  const tokenUrl = allowedTokenUrl(endpoint, metadata);
  checkAuthentication(endpoint, metadata);
  return { ...endpoint, tokenUrl };
}

/** @see https://www.rfc-editor.org/rfc/rfc8705#section-5 for the alias */
function allowedTokenUrl(
  { label, settings, transport }: ResolvedEndpoint,
  metadata: IssuerMetadata,
): string {
  const alias = transport?.clientCertificate && metadata.mtlsTokenEndpoint;
  const tokenEndpoint = alias ?? metadata.tokenEndpoint;
  const { issuer = "", allowInsecureRequests, allowedTokenEndpointOrigins } = settings;
  if (typeof tokenEndpoint !== "string") {
    throw aboutIssuer(label, {
      problem: "names no token endpoint in its metadata",
      fix: "set tokenUrl instead",
    });
  }
  const problems = new Problems();
  tokenEndpointUrl(allowInsecureRequests)(tokenEndpoint, "issuer", problems);
  const [wrong] = problems.list;
  if (wrong !== undefined) {
    const problem = `names a token endpoint that ${wrong.problem}`;
    throw aboutIssuer(label, { problem, fix: wrong.fix });
  }
  const { origin } = new URL(tokenEndpoint);
  const allowed = [issuer, ...allowedTokenEndpointOrigins].map((url) => new URL(url).origin);
  if (!allowed.includes(origin)) {
    throw aboutIssuer(label, {
      problem: `names a token endpoint on another origin, ${origin}`,
      fix: "add it to allowedTokenEndpointOrigins if credentials may go there",
    });
  }
  return tokenEndpoint;
}

/** Reports before the first token request what the token endpoint would reject. */
function checkAuthentication(
  { label, settings, keys }: ResolvedEndpoint,
  metadata: IssuerMetadata,
): void {
  const { tokenEndpointAuthMethod: method } = settings;
  const tokenUrlInstead = "or set tokenUrl instead of issuer if it does support it";
  const offered = known(authMethods, metadata.authMethods);
  // Public clients are often supported and seldom listed.
  if (offered !== undefined && method !== "none" && !offered.includes(method)) {
    throw aboutIssuer(label, {
      path: "tokenEndpointAuthMethod",
      problem: `is "${method}", which the issuer doesn't support`,
      fix: `${offered.length > 0 ? `choose ${quoted(offered)}, ` : ""}${tokenUrlInstead}`,
    });
  }
  const algorithm =
    method === "client_secret_jwt"
      ? (settings.clientAssertionAlgorithm ?? defaultSecretAlgorithm)
      : keys.clientPrivateKey?.algorithm;
  const all = method === "client_secret_jwt" ? secretAlgorithms : privateKeyAlgorithms;
  const algorithms = known(all, metadata.signingAlgorithms);
  if (algorithm !== undefined && algorithms !== undefined && !algorithms.includes(algorithm)) {
    throw aboutIssuer(label, {
      path: "clientAssertionAlgorithm",
      problem: `is "${algorithm}", which the issuer doesn't support`,
      fix: `${algorithms.length > 0 ? `choose ${quoted(algorithms)}, ` : ""}${tokenUrlInstead}`,
    });
  }
}

/** The known names of a list: nothing else is quoted. */
function known(
  names: readonly string[],
  listed: readonly unknown[] | undefined,
): readonly string[] | undefined {
  return listed && names.filter((name) => listed.includes(name));
}
