import { createHash, X509Certificate } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { ServerOptions } from "node:https";
import type { TLSSocket } from "node:tls";
import type { CertificateAuthority } from "./certificate-authority.ts";

/** What a TLS server of the authority's is made with. */
export async function tlsOf(
  authority: CertificateAuthority,
  { asksForCertificate = false } = {},
): Promise<ServerOptions> {
  const { certificate, privateKey } = await authority.serverCertificate();
  return {
    cert: certificate,
    key: privateKey,
    ca: [authority.certificate],
    requestCert: asksForCertificate,
    // Who is refused is to be told why, and a self-signed certificate is never authorised.
    rejectUnauthorized: false,
  };
}

/** The certificate that the client showed, if it did. */
export function peerCertificate({ socket }: IncomingMessage): X509Certificate | undefined {
  return (socket as Partial<TLSSocket>).getPeerX509Certificate?.();
}

/** Whether the client's certificate comes from an authority that the server knows, and is in force. */
export function isPeerAuthorised({ socket }: IncomingMessage): boolean {
  return (socket as TLSSocket).authorized;
}

/** A certificate's `x5t#S256` (RFC 8705 §3.1). */
export function thumbprintOf(certificate: X509Certificate | string): string {
  const { raw } = typeof certificate === "string" ? new X509Certificate(certificate) : certificate;
  return createHash("sha256").update(raw).digest("base64url");
}
