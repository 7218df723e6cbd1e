import { ClientCredentials } from "simple-oauth2";

export const packages = ["simple-oauth2"];

// As its README has it: keep the token, and ask it whether it is over.
export function create({ clientId, origin }) {
  const client = new ClientCredentials({
    client: { id: clientId, secret: "secret" },
    auth: { tokenHost: origin, tokenPath: "/token" },
  });
  let token;
  return {
    async header() {
      if (token === undefined || token.expired()) token = await client.getToken({});
      return `Bearer ${token.token.access_token}`;
    },
  };
}
