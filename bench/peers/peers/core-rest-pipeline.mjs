import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createEmptyPipeline,
  createHttpHeaders,
  createPipelineRequest,
} from "@azure/core-rest-pipeline";

export const packages = ["@azure/core-rest-pipeline"];

// Its cache of tokens sits in the policy; the token request is for the caller to write.
export function create({ clientId, origin }) {
  const credential = {
    async getToken() {
      const response = await fetch(`${origin}/token`, {
        method: "POST",
        body: new URLSearchParams({
          grant_type: "client_credentials",
          client_id: clientId,
          client_secret: "secret",
        }),
      });
      if (!response.ok) throw new Error(`token endpoint: ${response.status}`);
      const { access_token: token, expires_in: seconds } = await response.json();
      return { token, expiresOnTimestamp: Date.now() + seconds * 1_000 };
    },
  };
  const policy = bearerTokenAuthenticationPolicy({ credential, scopes: "orders" });
  const pipeline = createEmptyPipeline();
  pipeline.addPolicy(policy);
  const nowhere = {
    sendRequest: async (request) => ({ request, status: 200, headers: createHttpHeaders() }),
  };
  const network = createDefaultHttpClient();
  // The policy insists on https; the address is changed behind it.
  const overHttp = {
    sendRequest(request) {
      request.url = request.url.replace("https:", "http:");
      return network.sendRequest(request);
    },
  };
  const secure = origin.replace("http:", "https:");
  return {
    async header() {
      const request = createPipelineRequest({ url: secure });
      return (await pipeline.sendRequest(nowhere, request)).request.headers.get("authorization");
    },
    async call(path) {
      const request = createPipelineRequest({ url: secure + path, allowInsecureConnection: true });
      return (await pipeline.sendRequest(overHttp, request)).status;
    },
  };
}
