import type { ResolvedEndpoint } from "../endpoint/resolved-endpoint.ts";

/** What a flight and a failure are for: the same token on another way is another attempt. */
export function attemptOf({ identity, transport }: ResolvedEndpoint): string {
  return transport === undefined ? identity : `${identity} ${transport.name}`;
}
