import { EndpointSecurity } from "endpoint-security";

export const packages = ["endpoint-security"];

export function create({ clientId, origin, redisUrl }) {
  const endpoint = {
    url: origin,
    grantType: "client_credentials",
    tokenUrl: `${origin}/token`,
    clientId,
    clientSecret: "secret",
  };
  let security;
  const ready = (async () => {
    if (redisUrl === undefined) security = new EndpointSecurity();
    else {
      const { createRedisCache } = await import("endpoint-security/redis");
      security = new EndpointSecurity({ cache: createRedisCache({ url: redisUrl }) });
    }
  })();
  let wrapped;
  return {
    ready,
    header: () => security.getAuthHeader(endpoint),
    async call(path) {
      wrapped ??= security.wrapFetch(endpoint);
      const response = await wrapped(path);
      await response.arrayBuffer();
      return response.status;
    },
  };
}

/** One instance for many endpoints. */
export function createMany({ origin }) {
  const security = new EndpointSecurity();
  return (clientId) =>
    security.getAuthHeader({
      grantType: "client_credentials",
      tokenUrl: `${origin}/token`,
      clientId,
      clientSecret: "secret",
    });
}
