import type { Transport } from "./configuration/transport-fields.ts";
import { isEndpointSecurityError } from "./errors.ts";
import { proxyFor } from "./http/proxy-addresses.ts";

/** How requests travel, as `transport` says. */
export interface TransportExplanation {
  /** `fetch`: as the runtime's fetch does; `undici`: by connections of this library's own. */
  readonly client: "fetch" | "undici";
  /** The proxy of requests to the backend, without credentials. */
  readonly proxy?: string;
  /** The proxy of token requests, without credentials. */
  readonly tokenProxy?: string;
  /** A client certificate is presented. */
  readonly clientCertificate?: true;
  /** Authorities besides those that Node.js trusts. */
  readonly ca?: true;
  readonly allowH2?: true;
}

export function transportExplanation(
  transport: Transport | undefined,
  { url, tokenUrl }: { readonly url: string | undefined; readonly tokenUrl: string | undefined },
): TransportExplanation {
  if (transport === undefined) return { client: "fetch" };
  const proxy = proxyOf(transport, url);
  const tokenProxy = proxyOf(transport, tokenUrl);
  return {
    client: "undici",
    ...(proxy !== undefined && { proxy }),
    ...(tokenProxy !== undefined && { tokenProxy }),
    ...(transport.clientCertificate && { clientCertificate: true }),
    ...(transport.ca !== undefined && { ca: true }),
    ...(transport.allowH2 && { allowH2: true }),
  };
}

function proxyOf(transport: Transport, url: string | undefined): string | undefined {
  if (url === undefined) return undefined;
  try {
    return proxyFor(transport, url);
  } catch (error) {
    // A proxy in the environment that can't be used fails the request, and not its explanation.
    if (!isEndpointSecurityError(error)) throw error;
    return undefined;
  }
}
