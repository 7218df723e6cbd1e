import type { ResolvedTransport } from "../endpoint/resolved-transport.ts";
import { nameOf } from "../endpoint/secrets.ts";
import { ConfigurationError } from "../errors.ts";

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
      throw new ConfigurationError({ problems: [{ path, problem, mend: "give it as PEM" }] });
    }
  }
  const secureContext = tls.createSecureContext({
    ...(ca !== undefined && { ca: [...(await nodesOwn(tls)), ...authorities] }),
    ...(clientCertificate && {
      cert: clientCertificate.certificate,
      key: clientCertificate.privateKey,
    }),
  });
  return { secureContext };
}

/** What Node trusts by itself. */
async function nodesOwn(tls: typeof import("node:tls")): Promise<readonly string[]> {
  const getCACertificates: unknown = Reflect.get(tls, "getCACertificates");
  if (typeof getCACertificates === "function") return getCACertificates("default");
  // Node 20 can't tell what was added for it.
  const { NODE_EXTRA_CA_CERTS: file = "" } = process.env;
  if (file === "") return tls.rootCertificates;
  const { readFile } = await import("node:fs/promises");
  // Where the file can't be read, Node goes on without it, too.
  return [...tls.rootCertificates, await readFile(file, "utf8").catch(() => "")];
}
