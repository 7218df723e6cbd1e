import type { TokenRequestOptions } from "../configuration/oauth2-config.ts";
import type { Transport } from "../configuration/transport-fields.ts";
import type { Cursor } from "./cursor.ts";
import { proxyUrl } from "./proxy-url.ts";
import type { SecretFinder } from "./secrets.ts";
import type { Security, Stage } from "./stages.ts";
import { attemptDeadline, insecure } from "./token-endpoint.ts";
import { tokenParameters } from "./token-parameters.ts";

/** One `endpoint_security` of API Manager, or of a params file. */
export function readApiManagerSecurity(
  place: Cursor,
  stage: Stage,
  secrets: SecretFinder,
): Security | undefined {
  const type = place.any("type", "endpointSecurityType");
  const name = type.text()?.toUpperCase() ?? "NONE";
  const enabled = place.at("enabled");
  if (enabled.flag() === false || name === "NONE") {
    const why = name === "NONE" ? "the backend isn't secured" : "it is switched off";
    for (const [, member] of place.members()) member.left(`is not in use: ${why}`);
    return undefined;
  }
  enabled.carried("the endpoint is secured");
  const context: Context = { place, stage, secrets };
  switch (name) {
    case "OAUTH":
    case "OAUTH2":
      type.carried('type: "oauth2"');
      return oauth2(context);
    case "BASIC":
    case "DIGEST":
      type.carried(`type: "${name.toLowerCase()}"`);
      return userAndPassword(context, name === "BASIC" ? "basic" : "digest");
    case "APIKEY":
    case "API_KEY":
      return apiKey(context, type);
    case "AWS":
    case "AWSLAMBDA":
      type.left(
        "is AWS Signature Version 4, which this library doesn't sign",
        "use the AWS SDK for this backend",
      );
      for (const [, member] of place.members()) member.left("belongs to AWS Signature Version 4");
      return undefined;
    default:
      type.problem(
        "is not a known kind of endpoint security",
        "set one of OAUTH, BASIC, DIGEST, APIKEY or NONE",
      );
      return undefined;
  }
}

interface Context {
  readonly place: Cursor;
  readonly stage: Stage;
  readonly secrets: SecretFinder;
}

function oauth2({ place, stage, secrets }: Context): Security | undefined {
  const grant = place.at("grantType");
  const grantType = grant.text()?.toLowerCase() ?? "client_credentials";
  if (grantType !== "client_credentials" && grantType !== "password") {
    grant.problem(
      "must be a grant that endpoint security has",
      "set CLIENT_CREDENTIALS or PASSWORD",
    );
    return undefined;
  }
  grant.carried(`grantType: "${grantType}"`);
  const tokenUrl = needed(place.any("tokenUrl", "tokenEndpoint"), "tokenUrl");
  const clientId = secrets.text(place.at("clientId"), `${stage}.clientId`);
  const clientSecret = secrets.find(place.at("clientSecret"), `${stage}.clientSecret`) ?? "";
  const user = grantType === "password" ? userOf({ place, stage, secrets }) : undefined;
  const custom = place.at("customParameters");
  const parameters = tokenParameters(custom, { secrets, path: stage });
  const common = {
    tokenUrl,
    clientId,
    clientSecret,
    // What the product sends: it doesn't form-encode them first.
    clientSecretBasicEncoding: "raw",
    ...insecure(place.any("tokenUrl", "tokenEndpoint"), tokenUrl),
    ...parameters,
    ...timeouts(place),
    ...proxy({ place, stage, secrets }),
  } as const;
  if (user !== undefined) return { grantType: "password", ...user, ...common };
  for (const unused of [place.at("username"), place.at("password")]) {
    unused.left("is not in use: it belongs to the password grant");
  }
  return { grantType: "client_credentials", ...common };
}

function userAndPassword(context: Context, type: "basic" | "digest"): Security {
  const { username, password } = userOf(context);
  return { type, username, password };
}

function userOf({ place, stage, secrets }: Context) {
  return {
    username: secrets.text(place.at("username"), `${stage}.username`),
    password: secrets.find(place.at("password"), `${stage}.password`) ?? "",
  };
}

function apiKey({ place, stage, secrets }: Context, type: Cursor): Security {
  const identifier = place.at("apiKeyIdentifier");
  const where = place.at("apiKeyIdentifierType");
  const value = place.at("apiKeyValue");
  const key = needed(identifier, "apiKeyIdentifier");
  const secret = secrets.find(value, `${stage}.apiKey`) ?? "";
  if (where.text()?.toUpperCase() === "QUERY_PARAMETER") {
    type.carried('type: "api_key"');
    identifier.carried("queryParameter");
    where.carried("queryParameter: only the wrappers can send it");
    return { type: "api_key", queryParameter: key, apiKey: secret };
  }
  where.carried("headerName");
  identifier.carried("headerName");
  const token = typeof secret === "string" ? /^Bearer\s+(\S+)$/i.exec(secret)?.[1] : undefined;
  if (token !== undefined) {
    type.changed('is a token with "Bearer" before it: type: "bearer"');
    return { type: "bearer", token, headerName: key, headerPrefix: "Bearer" };
  }
  type.carried('type: "api_key"');
  return { type: "api_key", headerName: key, apiKey: secret };
}

/** Deadlines of the token request. They have one for each of its steps, and this library for an attempt. */
function timeouts(place: Cursor): { tokenRequest?: TokenRequestOptions } {
  const kind = place.at("connectionTimeoutConfigType");
  const connect = place.at("connectionTimeoutDuration");
  const pooled = place.at("connectionRequestTimeoutDuration");
  const socket = place.at("socketTimeoutDuration");
  const choice = kind.text()?.toUpperCase();
  if (choice === "NONE" || choice === "GLOBAL") {
    const note = choice === "NONE" ? "none are set" : "the gateway's own are in deployment.toml";
    for (const unused of [connect, pooled, socket]) unused.left(`is not in use: ${note}`);
    kind.left(
      choice === "NONE"
        ? "sets no timeouts: this library's own hold, 5 s for an attempt"
        : "takes the timeouts of the gateway: read deployment.toml with fromDeploymentToml",
    );
    return {};
  }
  const given = [connect, socket].map((one) => one.number() ?? 0);
  const attemptTimeoutMs = given.reduce((sum, ms) => sum + ms, 0);
  pooled.left(
    pooled.number() === undefined
      ? "isn't set"
      : "is how long a request waits for a pooled connection; nothing waits for one here",
  );
  for (const one of [connect, socket]) {
    if (one.number() === undefined) one.left("isn't set");
    else one.changed("is part of tokenRequest.attemptTimeoutMs, which covers a whole attempt");
  }
  kind.carried("tokenRequest.attemptTimeoutMs");
  return attemptDeadline(attemptTimeoutMs);
}

function proxy({ place, stage, secrets }: Context): { transport?: Transport } {
  const kind = place.at("proxyConfigType");
  const configs = place.at("proxyConfigs");
  const choice = kind.text()?.toUpperCase();
  const isOn = configs.at("proxyEnabled").flag() === true && choice !== "NONE";
  if (!isOn || choice === "GLOBAL") {
    for (const [, member] of configs.members())
      member.left("is not in use: no proxy is switched on");
    kind.left(
      choice === "GLOBAL"
        ? "takes the gateway's proxy: read deployment.toml with fromDeploymentToml"
        : "switches no proxy on",
    );
    return {};
  }
  kind.carried("transport.proxy");
  configs.at("proxyEnabled").carried("transport.proxy");
  const address = proxyUrl({
    protocol: configs.at("proxyProtocol"),
    host: configs.at("proxyHost"),
    port: configs.at("proxyPort"),
    user: configs.at("proxyUsername"),
    password: configs.at("proxyPassword"),
    secret: (place) => secrets.value(place, `${stage}.proxyPassword`),
  });
  return address === undefined ? {} : { transport: { proxy: address } };
}

function needed(place: Cursor, field: string): string {
  const text = place.text();
  if (text === undefined) {
    if (!place.isThere) place.problem("is missing", "set it, or switch the security off");
    return "";
  }
  place.carried(field);
  return text;
}
