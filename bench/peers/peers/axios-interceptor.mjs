import axios from "axios";
import { clientCredentials } from "axios-oauth-client";
import tokenProvider from "axios-token-interceptor";

export const packages = ["axios", "axios-oauth-client", "axios-token-interceptor"];

export function create({ clientId, origin }) {
  const obtain = clientCredentials(axios.create(), `${origin}/token`, clientId, "secret");
  const cached = tokenProvider.tokenCache(() => obtain("orders"), {
    getMaxAge: (body) => body.expires_in * 1_000,
  });
  const instance = axios.create({ baseURL: origin, validateStatus: () => true });
  instance.interceptors.request.use(
    tokenProvider({ getToken: cached, headerFormatter: (body) => `Bearer ${body.access_token}` }),
  );
  return {
    header: async () => `Bearer ${(await cached()).access_token}`,
    call: async (path) => (await instance.get(path)).status,
  };
}
