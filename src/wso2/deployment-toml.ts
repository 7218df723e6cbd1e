import { isPattern } from "../checks/host-patterns.ts";
import type { RenewalOptions, TokenRequestOptions } from "../configuration/oauth2-config.ts";
import type { Transport } from "../configuration/transport-fields.ts";
import type { RedisServer } from "../redis/options.ts";
import type { Cursor } from "./cursor.ts";
import { durationMs } from "./durations.ts";
import { proxyUrl } from "./proxy-url.ts";
import { type SecretFinder, whyNotUsable } from "./secrets.ts";
import { attemptDeadline } from "./token-endpoint.ts";

/** Defaults of all endpoints, as `new EndpointSecurity` takes them. */
export interface ImportedDefaults {
  readonly tokenRequest?: TokenRequestOptions;
  readonly renewal?: RenewalOptions;
  readonly transport?: Transport;
}

export interface FoundDeployment {
  readonly redis: RedisServer | undefined;
  readonly defaults: ImportedDefaults;
}

/** Reads what concerns tokens in the deployment.toml of either product. */
export function readDeployment(file: Cursor, secrets: SecretFinder): FoundDeployment {
  const apim = file.at("apim");
  const generator = file.at("policy_configurations").at("oauth2_generator_v1").at("redis");
  const tables = [apim.at("redis_config"), file.at("redis_config")];
  const table = tables.find((one) => one.isThere);
  const redis = table ? redisOf(table, secrets) : generatorRedis(generator, secrets);
  if (table !== undefined && generator.isThere) {
    generator.left("is a second Redis: the first one is taken");
  }
  const oauth = apim.at("mediator_config").at("oauth");
  const found = proxyOf(apim.at("proxy_config"), secrets);
  const defaults = { ...oauthDefaults(oauth), ...found };
  trustStore(oauth.at("trust_store"));
  file.report.noteTheRest(file.value, "");
  return { redis, defaults };
}

function redisOf(table: Cursor, secrets: SecretFinder): RedisServer | undefined {
  const timeout = table.at("connection_timeout");
  const connectTimeoutMs = timeout.number();
  timeout.changed(
    "is taken as milliseconds, which is how the product reads it although its page says seconds: connectTimeoutMs",
  );
  return server(
    table,
    {
      user: table.any("user", "username"),
      database: table.any("database_id", "database"),
      tls: table.any("ssl", "ssl_enabled"),
      connectTimeoutMs,
    },
    secrets,
  );
}

function generatorRedis(table: Cursor, secrets: SecretFinder): RedisServer | undefined {
  if (!table.isThere) return undefined;
  const timeout = table.at("connection_timeout");
  const connectTimeoutMs = durationMs(timeout);
  timeout.carried("connectTimeoutMs");
  for (const name of ["read_timeout", "write_timeout"]) {
    table.at(name).left("is cacheTimeoutMs here, one for all operations (250 ms by default)");
  }
  table.at("failure_mode").left("has one answer here: a cache in trouble is never an error");
  table.at("pool_size").left("is one connection for each process here, which carries all commands");
  const prefix = table.at("key_prefix");
  const keyPrefix = prefix.text()?.replace(/:+$/, "");
  prefix.carried("keyPrefix, which two colons follow");
  const found = server(
    table,
    {
      user: table.any("username", "user"),
      database: table.any("db", "database"),
      tls: table.any("tls", "ssl"),
      connectTimeoutMs,
    },
    secrets,
  );
  return found && { ...found, ...(keyPrefix === undefined ? {} : { keyPrefix }) };
}

interface ServerParts {
  readonly user: Cursor;
  readonly database: Cursor;
  readonly tls: Cursor;
  readonly connectTimeoutMs: number | undefined;
}

function server(
  table: Cursor,
  { user, database, tls, connectTimeoutMs }: ServerParts,
  secrets: SecretFinder,
): RedisServer | undefined {
  const host = table.at("host");
  const port = table.at("port");
  const password = table.at("password");
  const name = host.text();
  if (name === undefined) {
    host.problem("is missing", "set the host of the Redis server");
    return undefined;
  }
  const number = { port: port.number(), database: database.number() };
  const username = user.text();
  // A table without a password is a server that wants none.
  const isOpen = password.value === undefined || password.value === "";
  const secret = isOpen ? undefined : secrets.find(password, "redis.password");
  if (password.value === "") password.left("is blank: the server wants no password");
  for (const [place, field] of [
    [host, "host"],
    [port, "port"],
    [user, "username"],
    [database, "database"],
    [tls, "tls"],
  ] as const) {
    place.carried(field);
  }
  return {
    host: name,
    ...(number.port === undefined ? {} : { port: number.port }),
    ...(number.database === undefined ? {} : { database: number.database }),
    ...(username === undefined ? {} : { username }),
    ...(secret === undefined ? {} : { password: secret }),
    ...(tls.flag() === true ? { tls: true } : {}),
    ...(connectTimeoutMs ? { connectTimeoutMs } : {}),
  };
}

function oauthDefaults(oauth: Cursor): ImportedDefaults {
  const lifetime = oauth.at("expires_in");
  const seconds = lifetime.number();
  lifetime.changed(
    "is taken as seconds, which is how the product reads it although one of its pages says minutes: renewal.defaultLifetimeMs",
  );
  const connect = oauth.any("connection_timeout_duration", "connection_timeout");
  const socket = oauth.any("socket_timeout_duration", "socket_timeout");
  const pooled = oauth.any("connection_request_timeout_duration", "connection_request_timeout");
  const attemptTimeoutMs = (connect.number() ?? 0) + (socket.number() ?? 0);
  for (const one of [connect, socket]) {
    one.changed("is part of tokenRequest.attemptTimeoutMs, which covers a whole attempt");
  }
  pooled.left("is how long a request waits for a pooled connection; nothing waits for one here");
  const retry = oauth.any("enable_retry_call_with_new_token", "enable_retry");
  if (retry.flag() === false) {
    retry.changed("is renewal.rejectionStatuses: [], which you have to set to get the same");
  } else retry.carried("the wrappers renew a rejected token and send the request again");
  return {
    ...(seconds ? { renewal: { defaultLifetimeMs: seconds * 1_000 } } : {}),
    ...attemptDeadline(attemptTimeoutMs),
  };
}

function proxyOf(table: Cursor, secrets: SecretFinder): { transport?: Transport } {
  const enabled = table.any("enable", "enabled");
  if (!table.isThere) return {};
  if (enabled.flag() !== true) {
    for (const [, member] of table.members())
      member.left("is not in use: the proxy is switched off");
    return {};
  }
  enabled.carried("transport.proxy");
  const proxy = proxyUrl({
    protocol: table.at("protocol"),
    host: table.at("host"),
    port: table.at("port"),
    user: table.any("username", "user"),
    password: table.at("password"),
    secret: (place) => secrets.value(place, "proxy.password"),
  });
  const noProxy = noProxyOf(table.any("nonProxyHosts", "non_proxy_hosts"));
  const targets = table.any("targetProxyHosts", "target_proxy_hosts");
  if (targets.text() === "*") targets.carried("all hosts");
  else
    targets.left("names the hosts that need the proxy", "set transport.proxy on their endpoints");
  if (proxy === undefined) return {};
  return { transport: { proxy, ...(noProxy.length === 0 ? {} : { noProxy }) } };
}

/** Globs that pipes separate. Here a host name covers its subdomains, and a block is written in bits. */
function noProxyOf(place: Cursor): readonly string[] {
  const globs = (place.text() ?? "").split(/[|,]/).map((one) => one.trim());
  const patterns: string[] = [];
  const unknown: string[] = [];
  for (const glob of globs.filter((one) => one !== "")) {
    const pattern = patternOf(glob);
    if (pattern === undefined) unknown.push(glob);
    else patterns.push(pattern);
  }
  if (unknown.length === 0) place.carried("transport.noProxy");
  else {
    const note = `is transport.noProxy, but for ${unknown.join(", ")}: no pattern here says that`;
    place.left(note, "add the hosts it stands for to transport.noProxy");
  }
  return patterns;
}

/** `10.1.*` is a block of addresses, and `*.corp` a domain. */
function patternOf(glob: string): string | undefined {
  const octets = /^((?:\d{1,3}\.){1,3})\*(?:\.\*)*$/.exec(glob)?.[1]?.split(".").filter(Boolean);
  if (octets !== undefined) {
    const zeros = Array.from({ length: 4 - octets.length }, () => "0");
    return `${[...octets, ...zeros].join(".")}/${octets.length * 8}`;
  }
  return isPattern(glob) ? glob : undefined;
}

function trustStore(store: Cursor): void {
  if (!store.isThere) return;
  const { location, type } = { location: store.at("location"), type: store.at("type") };
  const path = location.text() ?? "client-truststore.jks";
  const fix = `convert it: keytool -list -rfc -keystore ${path} -storetype ${type.text() ?? "JKS"} > ca.pem, and set transport.ca to the content of ca.pem`;
  location.left("is a Java key store, which Node.js doesn't read", fix);
  type.left("is the kind of that key store");
  const password = store.at("password");
  password.left(
    whyNotUsable(password.value) === undefined
      ? "is the key store's password; keytool asks for it"
      : "is not needed: keytool asks for it",
  );
}
