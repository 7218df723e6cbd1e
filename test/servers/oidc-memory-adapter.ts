import type { Adapter, AdapterFactory, AdapterPayload } from "oidc-provider";
import type { Registry, TestClient } from "./registry.ts";

/** One store per provider: the package's own adapter is shared by the process, and warns. */
export function memoryAdapter(registry: Registry): AdapterFactory {
  const stores = new Map<string, Map<string, AdapterPayload>>();
  return (model) => {
    const store = stores.get(model) ?? new Map<string, AdapterPayload>();
    stores.set(model, store);
    return model === "Client" ? clientAdapter(registry, store) : storeAdapter(store);
  };
}

function storeAdapter(store: Map<string, AdapterPayload>): Adapter {
  const findBy = async (matches: (payload: AdapterPayload) => boolean) =>
    [...store.values()].find(matches);
  return {
    // Expired entries stay: the provider checks `exp` itself.
    upsert: async (id, payload) => void store.set(id, payload),
    find: async (id) => store.get(id),
    findByUserCode: (userCode) => findBy((payload) => payload.userCode === userCode),
    findByUid: (uid) => findBy((payload) => payload.uid === uid),
    consume: async (id) => {
      const payload = store.get(id);
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000);
    },
    destroy: async (id) => void store.delete(id),
    revokeByGrantId: async (grantId) => {
      for (const [id, payload] of store) if (payload.grantId === grantId) store.delete(id);
    },
  };
}

/** Clients are looked up on each request, so a secret can change while the provider runs. */
function clientAdapter(registry: Registry, store: Map<string, AdapterPayload>): Adapter {
  return {
    ...storeAdapter(store),
    find: async (id) => {
      const client = registry.client(id);
      return client === undefined ? undefined : metadataOf(client);
    },
  };
}

function metadataOf(client: TestClient): AdapterPayload {
  return {
    client_id: client.clientId,
    ...(client.clientSecret === undefined ? {} : { client_secret: client.clientSecret }),
    token_endpoint_auth_method: client.authMethod,
    ...(client.publicKeys === undefined ? {} : { jwks: { keys: [...client.publicKeys] } }),
    ...(client.certificateSubject === undefined
      ? {}
      : { tls_client_auth_subject_dn: client.certificateSubject }),
    ...(client.certificateBoundTokens === undefined
      ? {}
      : { tls_client_certificate_bound_access_tokens: client.certificateBoundTokens }),
    grant_types: [...client.grantTypes],
    redirect_uris: [],
    response_types: [],
    // The provider has no RS256 key, which is the default here.
    id_token_signed_response_alg: "ES256",
  };
}
