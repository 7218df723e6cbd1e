import type { X509Certificate } from "node:crypto";
import type { ClientAuthMethod, Configuration } from "oidc-provider";
import { isPeerAuthorised, peerCertificate } from "./tls-server.ts";

type Features = NonNullable<Configuration["features"]>;

/** Every method that clients of the tests use, those with certificates too. */
export const authMethods: ClientAuthMethod[] = [
  "client_secret_basic",
  "client_secret_post",
  "client_secret_jwt",
  "private_key_jwt",
  "tls_client_auth",
  "self_signed_tls_client_auth",
  "none",
];

/** How oidc-provider gets to see the certificate of a request (RFC 8705). */
export const mutualTls: NonNullable<Features["mTLS"]> = {
  enabled: true,
  certificateBoundAccessTokens: true,
  selfSignedTlsClientAuth: true,
  tlsClientAuth: true,
  getCertificate: ({ req }) => peerCertificate(req),
  certificateAuthorized: ({ req }) => isPeerAuthorised(req),
  certificateSubjectMatches: ({ req }, property, expected) =>
    property === "tls_client_auth_subject_dn" && hasSubject(peerCertificate(req), expected),
};

/** Whether a certificate has a distinguished name, whichever way round it is written. */
function hasSubject(certificate: X509Certificate | undefined, name: string): boolean {
  const parts = (text: string, separator: string) => text.split(separator).sort().join("\n");
  return certificate !== undefined && parts(certificate.subject, "\n") === parts(name, ",");
}
