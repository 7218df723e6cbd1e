import type { EndpointConfig } from "endpoint-security";
import { type RunningBackend, startBackend } from "../../test/servers/backend.ts";
import {
  type RunningAuthorizationServer,
  startOidcProvider,
} from "../../test/servers/oidc-provider.ts";

/** How long the authorization servers take, as ones across a network would. */
export const latencyMs = 40;

/** A real authorization server, and a real backend that verifies its JWTs. */
export interface Environment extends AsyncDisposable {
  readonly idp: RunningAuthorizationServer;
  readonly backend: RunningBackend;
  readonly backendUrl: string;
}

export async function startEnvironment(): Promise<Environment> {
  const idp = await startOidcProvider();
  const backend = await startBackend(idp);
  idp.setLatency(latencyMs);
  return {
    idp,
    backend,
    backendUrl: `${backend.origin}/v1`,
    async [Symbol.asyncDispose]() {
      await backend.close();
      await idp.close();
    },
  };
}

/** The configuration that most scenes use. */
export function ordersOf({ idp, backendUrl }: Environment) {
  return {
    name: "orders",
    url: backendUrl,
    grantType: "client_credentials",
    tokenUrl: idp.tokenUrl,
    clientId: "checkout",
    clientSecret: "checkout-secret",
    scope: "orders:read",
  } satisfies EndpointConfig;
}
