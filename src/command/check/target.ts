import type { ParsedEndpoint } from "../../configuration/parsed-endpoint.ts";
import { proxyFor } from "../../http/proxy-addresses.ts";

/** A server that requests of an endpoint go to. */
export interface Target {
  /** The field that names it. */
  readonly field: "tokenUrl" | "issuer" | "url";
  readonly url: URL;
  /** Without its credentials. */
  readonly proxy: string | undefined;
}

/** The servers of an endpoint: where its tokens come from, and its backend. */
export function targetsOf(endpoint: ParsedEndpoint): readonly Target[] {
  const { url, transport } = endpoint;
  const { tokenUrl, issuer } = endpoint.type === "oauth2" ? endpoint : {};
  return Object.entries({ tokenUrl, issuer, url }).flatMap(([field, value]) =>
    value === undefined
      ? []
      : [
          {
            field: field as Target["field"],
            url: new URL(value),
            proxy: proxyFor(transport, value),
          },
        ],
  );
}

export function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === "https:" ? 443 : 80);
}

export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** `host:port`, without a port that goes without saying. */
export function placeOf(url: URL): string {
  return url.host;
}
