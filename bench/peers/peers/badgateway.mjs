import { OAuth2Client, OAuth2Fetch } from "@badgateway/oauth2-client";

export const packages = ["@badgateway/oauth2-client"];

export function create({ clientId, origin }) {
  const client = new OAuth2Client({
    server: origin,
    tokenEndpoint: "/token",
    clientId,
    clientSecret: "secret",
  });
  const wrapper = new OAuth2Fetch({
    client,
    getNewToken: () => client.clientCredentials(),
    scheduleRefresh: false,
  });
  return {
    header: async () => `Bearer ${await wrapper.getAccessToken()}`,
    async call(path) {
      const response = await wrapper.fetch(origin + path);
      await response.arrayBuffer();
      return response.status;
    },
  };
}
