import { OAuth2Client } from "google-auth-library";

export const packages = ["google-auth-library"];

// It knows no client credentials for other authorization servers: a refresh token is as good here.
export function create({ clientId, origin }) {
  const client = new OAuth2Client({
    clientId,
    clientSecret: "secret",
    endpoints: { oauth2TokenUrl: `${origin}/token` },
  });
  client.setCredentials({ refresh_token: "refresh" });
  return {
    header: async () => (await client.getRequestHeaders()).get("authorization"),
    async call(path) {
      try {
        return (await client.request({ url: origin + path })).status;
      } catch (error) {
        return error.status ?? error.response?.status ?? 0;
      }
    },
  };
}
