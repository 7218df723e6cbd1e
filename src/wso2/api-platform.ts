import type { Transport } from "../configuration/transport-fields.ts";
import type { Cursor } from "./cursor.ts";
import { durationMs } from "./durations.ts";
import { nameOf } from "./names.ts";
import type { SecretFinder } from "./secrets.ts";
import { type FoundEndpoints, type Security, type Stage, urlOf } from "./stages.ts";
import { insecure } from "./token-endpoint.ts";
import { tokenParameters } from "./token-parameters.ts";

/** A resource of the API Platform: a RestApi with policies, or a provider with `upstream.auth`. */
export function readGatewayResource(resource: Cursor, secrets: SecretFinder): FoundEndpoints {
  const spec = resource.at("spec");
  const upstream = spec.at("upstream");
  const name = [spec.at("displayName"), resource.at("metadata").at("name")].find(
    (one) => one.isThere,
  );
  name?.carried("name");
  const main = upstream.at("main").isThere ? upstream.at("main") : upstream;
  const addresses: readonly (readonly [Stage, Cursor])[] = [
    ["production", main],
    ["sandbox", upstream.at("sandbox")],
  ];
  for (const operation of spec.at("operations").items()) {
    for (const policy of operation.at("policies").items().filter(isGenerator)) {
      const note = "secures one operation only";
      policy.left(note, "give this operation an endpoint configuration of its own");
    }
  }
  const endpoints: FoundEndpoints = {};
  for (const [stage, place] of addresses) {
    const url = urlOf(place);
    if (url === undefined) continue;
    const security = securityOf(spec, place, { stage, secrets });
    endpoints[stage] = { name: nameOf(name?.text(), stage), url, security };
  }
  return endpoints;
}

interface Context {
  readonly stage: Stage;
  readonly secrets: SecretFinder;
}

const isGenerator = (policy: Cursor) =>
  /^oauth2?-generator$/.test(policy.at("name").text()?.toLowerCase() ?? "");

function securityOf(spec: Cursor, upstream: Cursor, context: Context): Security | undefined {
  const policy = spec.at("policies").items().find(isGenerator);
  if (policy !== undefined) {
    policy.at("name").carried('type: "oauth2"');
    return oauth2(policy.at("params"), context);
  }
  const auth = [upstream.at("auth"), spec.at("upstream").at("auth")].find((one) => one.isThere);
  if (auth === undefined) return undefined;
  const type = auth.at("type");
  const params = auth.at("policyParams").isThere ? auth.at("policyParams") : auth;
  switch (type.text()?.toLowerCase()) {
    case "oauth2":
      type.carried('type: "oauth2"');
      return oauth2(params, context);
    case "api-key":
      type.carried('type: "api_key"');
      return apiKey(params, context);
    case undefined:
    case "none":
    case "other":
      type.left("the backend isn't secured");
      return undefined;
    default:
      type.left("is a kind of authentication that this library doesn't know", "set it up by hand");
      return undefined;
  }
}

function apiKey(params: Cursor, { stage, secrets }: Context): Security {
  const header = params.any("header", "headerName", "key");
  header.carried("headerName");
  const value = params.any("value", "apiKey");
  const apiKey = secrets.find(value, `${stage}.apiKey`) ?? "";
  const headerName = header.text() ?? "";
  if (headerName === "") header.problem("is missing", "set the name of the key's header");
  const token = typeof apiKey === "string" ? /^Bearer\s+(\S+)$/i.exec(apiKey)?.[1] : undefined;
  if (token === undefined) return { type: "api_key", headerName, apiKey };
  value.changed('is a token with "Bearer" before it: type: "bearer"');
  return { type: "bearer", token, headerName, headerPrefix: "Bearer" };
}

function oauth2(params: Cursor, context: Context): Security | undefined {
  const { stage, secrets } = context;
  const sent = sentAs(params);
  const bearer = params.at("bearerToken");
  if (bearer.isThere) {
    const token = secrets.find(bearer, `${stage}.token`) ?? "";
    return { type: "bearer", token, ...sent };
  }
  const grant = params.at("grantType");
  const grantType = grant.text()?.toLowerCase() ?? "client_credentials";
  if (grantType !== "client_credentials" && grantType !== "password") {
    grant.problem("must be a grant of this policy", "set client_credentials or password");
    return undefined;
  }
  grant.carried(`grantType: "${grantType}"`);
  const endpoint = params.any("tokenEndpoint", "tokenUrl");
  const tokenUrl = secrets.text(endpoint, `${stage}.tokenUrl`);
  const common = {
    tokenUrl,
    clientId: secrets.text(params.at("clientId"), `${stage}.clientId`),
    clientSecret: secrets.find(params.at("clientSecret"), `${stage}.clientSecret`) ?? "",
    ...clientAuthentication(params.at("clientAuthMethod")),
    ...insecure(endpoint, tokenUrl),
    ...tokenParameters(params.at("tokenRequestParams"), { secrets, path: stage }),
    ...tokenRequest(params, context),
    ...renewal(params),
    ...transport(params),
    ...sent,
  };
  cacheStrategy(params.at("cacheStrategy"));
  if (grantType === "client_credentials") return { grantType, ...common };
  const username = secrets.text(params.at("username"), `${stage}.username`);
  const password = secrets.find(params.at("password"), `${stage}.password`) ?? "";
  return { grantType, username, password, ...common };
}

function clientAuthentication(
  place: Cursor,
): { tokenEndpointAuthMethod: "client_secret_post" } | { tokenEndpointAuthMethod?: undefined } {
  const method = place.text()?.toLowerCase() ?? "client_secret_basic";
  if (method === "client_secret_post") {
    place.carried('tokenEndpointAuthMethod: "client_secret_post"');
    return { tokenEndpointAuthMethod: method };
  }
  if (method !== "client_secret_basic") {
    place.problem(
      "must be a method of this policy",
      "set client_secret_basic or client_secret_post",
    );
  }
  place.carried("tokenEndpointAuthMethod: the default, client_secret_basic");
  return {};
}

/** In which header a token is sent, and after which word. */
function sentAs(params: Cursor): { headerName?: string; headerPrefix?: string } {
  const header = params.at("headerName");
  const prefix = params.at("valuePrefix");
  const headerName = header.text();
  header.carried("headerName");
  prefix.carried("headerPrefix");
  return {
    ...(headerName === undefined ? {} : { headerName }),
    ...(typeof prefix.value === "string" ? { headerPrefix: prefix.value.trim() } : {}),
  };
}

function tokenRequest(params: Cursor, { stage, secrets }: Context) {
  const timeout = params.at("tokenRequestTimeout");
  const attemptTimeoutMs = durationMs(timeout);
  const retry = params.at("tokenRequestMaxRetries");
  const retries = retry.number();
  const headers = new Map<string, string>();
  for (const [name, value] of params.at("tokenRequestHeaders").members()) {
    headers.set(name, secrets.text(value, `${stage}.tokenRequestHeaders.${name}`));
    value.carried(`tokenRequest.headers.${name}`);
  }
  timeout.carried("tokenRequest.attemptTimeoutMs, and timeoutMs for all attempts together");
  retry.carried("tokenRequest.retries");
  const given = {
    ...(attemptTimeoutMs === undefined
      ? {}
      : { attemptTimeoutMs, timeoutMs: attemptTimeoutMs * ((retries ?? 2) + 1) }),
    ...(retries === undefined ? {} : { retries }),
    ...(headers.size === 0 ? {} : { headers: Object.fromEntries(headers) }),
  };
  return Object.keys(given).length === 0 ? {} : { tokenRequest: given };
}

function renewal(params: Cursor) {
  const lifetime = params.at("defaultTokenTTL");
  const buffer = params.at("expiryBuffer");
  const statuses = params.at("tokenPurgeStatusCodes");
  const defaultLifetimeMs = durationMs(lifetime);
  const expirySkewMs = durationMs(buffer);
  const rejectionStatuses = statuses.isThere
    ? statuses.items().flatMap((one) => one.number() ?? [])
    : undefined;
  lifetime.carried("renewal.defaultLifetimeMs");
  buffer.carried("renewal.expirySkewMs");
  statuses.changed(
    "renewal.rejectionStatuses: the wrappers renew the token and send the request again, where the policy passes the failure on",
  );
  const given = {
    ...(defaultLifetimeMs === undefined ? {} : { defaultLifetimeMs }),
    ...(expirySkewMs === undefined ? {} : { expirySkewMs }),
    ...(rejectionStatuses === undefined ? {} : { rejectionStatuses }),
  };
  return Object.keys(given).length === 0 ? {} : { renewal: given };
}

function transport(params: Cursor): { transport?: Transport } {
  const proxy = params.at("proxyURL");
  const ca = params.at("tlsCaCert");
  proxy.carried("transport.proxy");
  ca.carried("transport.ca");
  params
    .at("tlsCaCertPath")
    .left("is a file of the gateway", "set transport.ca to the content of the file");
  const skip = params.at("tlsInsecureSkipVerify");
  if (skip.flag() === true) {
    skip.left("switches off that certificates are verified", "set transport.ca to the authority");
  } else skip.carried("certificates are always verified");
  const proxyUrl = proxy.text();
  const authority = ca.text();
  const given: Transport = {
    ...(proxyUrl === undefined ? {} : { proxy: proxyUrl }),
    ...(authority === undefined ? {} : { ca: authority }),
  };
  return Object.keys(given).length === 0 ? {} : { transport: given };
}

function cacheStrategy(place: Cursor): void {
  if (place.text()?.toLowerCase() === "redis") {
    const note = "is the cache of the instance: give it createRedisCache";
    place.changed(`${note}, with the options that fromDeploymentToml reads`);
  } else place.carried("tokens are in memory, and in the cache that the instance is given");
}
