import { nameOf } from "../credentials/secrets.ts";
import type { ResolvedTransport } from "../endpoint/resolved-transport.ts";
import { ConfigurationError } from "../errors.ts";
import { trustedByNode } from "./trusted-authorities.ts";

/**
 * What TLS is spoken with, where the configuration says something of that. Made once for all
 * connections: certificates take longer to read than a handshake.
 */
export async function secureContext({ settings, clientCertificate }: ResolvedTransport) {
  const { ca } = settings;
  if (ca === undefined && clientCertificate === undefined) return {};
  const tls = await import("node:tls");
  const authorities = [ca ?? []].flat();
  const { X509Certificate } = await import("node:crypto");
  for (const [index, authority] of authorities.entries()) {
    try {
      new X509Certificate(authority);
    } catch (error) {
      // Node would leave it out without a word, and trust nobody it stands for.
      const path = typeof ca === "string" ? "transport.ca" : `transport.ca[${index}]`;
      const problem = `can't be read: ${nameOf(error)}`;
      throw ConfigurationError.of({ path, problem, fix: "set it as PEM" });
    }
  }
  const secureContext = tls.createSecureContext({
    ...(ca !== undefined && { ca: [...(await trustedByNode(tls)), ...authorities] }),
    ...(clientCertificate && {
      cert: clientCertificate.certificate,
      key: clientCertificate.privateKey,
    }),
  });
  return { secureContext };
}
