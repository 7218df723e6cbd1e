import { ConfidentialClientApplication } from "@azure/msal-node";

export const packages = ["@azure/msal-node"];

const issuer = "https://issuer.example.com";

// It talks https only, so that its requests are sent to the server by a network client of ours.
export function create({ clientId, origin }) {
  const send = (method) => async (url, options) => {
    const response = await fetch(url.replace(issuer, origin), { method, ...options });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.json(),
    };
  };
  const application = new ConfidentialClientApplication({
    auth: {
      clientId,
      clientSecret: "secret",
      authority: issuer,
      knownAuthorities: ["issuer.example.com"],
      authorityMetadata: JSON.stringify({
        issuer,
        token_endpoint: `${issuer}/token`,
        authorization_endpoint: `${issuer}/authorize`,
        jwks_uri: `${issuer}/keys`,
      }),
    },
    system: {
      protocolMode: "OIDC",
      networkClient: { sendGetRequestAsync: send("GET"), sendPostRequestAsync: send("POST") },
    },
  });
  return {
    async header() {
      const result = await application.acquireTokenByClientCredential({ scopes: ["orders"] });
      return `Bearer ${result.accessToken}`;
    },
  };
}
