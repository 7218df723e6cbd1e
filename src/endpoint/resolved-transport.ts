import type { Transport } from "../configuration/transport-fields.ts";
import type { ClientCertificates, LoadedCertificate } from "../credentials/client-certificate.ts";
import type { SecretReader } from "../credentials/secrets.ts";

/** How requests travel, with the client certificate as it is now. */
export interface ResolvedTransport {
  readonly settings: Transport;
  readonly clientCertificate: LoadedCertificate | undefined;
  /** The same text for the same way to travel, and for no other. */
  readonly name: string;
}

/** Reads the client certificate, where there is one. */
export async function resolveTransport(
  settings: Transport,
  certificates: ClientCertificates,
  reader: SecretReader,
): Promise<ResolvedTransport> {
  const { clientCertificate: source, ...others } = settings;
  const clientCertificate = source && (await certificates.read(source, reader));
  // The private key belongs to its certificate, so the certificate alone tells them apart.
  const name = JSON.stringify([others, clientCertificate?.certificate]);
  return { settings, clientCertificate, name };
}
