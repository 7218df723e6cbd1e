import type { ClientCertificates, LoadedCertificate } from "./client-certificate.ts";
import { mergedTransport, type Transport } from "./transport-fields.ts";

/** How requests travel, with the certificate as it is now. */
export interface ResolvedTransport {
  readonly settings: Transport;
  readonly clientCertificate: LoadedCertificate | undefined;
  /** The same for the same way to travel, and for no other. */
  readonly name: string;
}

/** The part of an instance that this takes. */
export interface TransportOfInstance {
  readonly transport: Transport | undefined;
  readonly clientCertificates: ClientCertificates;
}

/** What an endpoint and its instance say together of how requests travel. */
export interface TransportSettings {
  readonly settings: Transport;
  /** Reads the client certificate, where there is one. */
  resolve(): Promise<ResolvedTransport>;
}

/** Undefined where neither says anything. */
export function transportSettings(
  own: Transport | undefined,
  { transport, clientCertificates }: TransportOfInstance,
  reader: { readonly endpoint: string; readonly timeoutMs: number },
): TransportSettings | undefined {
  const settings = mergedTransport(transport, own);
  if (settings === undefined) return undefined;
  return {
    settings,
    async resolve() {
      const { clientCertificate: source, ...others } = settings;
      const clientCertificate = source && (await clientCertificates.read(source, reader));
      // The key goes with its certificate, so that needs no mention.
      const name = JSON.stringify([others, clientCertificate?.certificate]);
      return { settings, clientCertificate, name };
    },
  };
}
