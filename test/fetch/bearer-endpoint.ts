import { EndpointSecurity, type EndpointSecurityOptions } from "endpoint-security";
import { answeringFetch } from "../tokens/answering-fetch.ts";
import { checkout } from "../tokens/token-endpoint.ts";

/** An instance and an endpoint at `url`, whose tokens are `token-1`, `token-2`, … */
export function bearerEndpoint(url: string, options: EndpointSecurityOptions = {}) {
  const answers = answeringFetch((count) => ({
    access_token: `token-${count}`,
    token_type: "Bearer",
    expires_in: 3600,
  }));
  const security = new EndpointSecurity({ fetch: answers.fetch, ...options });
  const endpoint = checkout("https://idp.example.test/token", { url });
  return { security, endpoint, answers, wrapped: security.wrapFetch(endpoint) };
}
