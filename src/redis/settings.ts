import {
  type Check,
  credential,
  milliseconds,
  optional,
  Problems,
  quoted,
  text,
} from "../checks/check.ts";
import { isRecord, mustBe } from "../checks/kinds.ts";
import { checkFields } from "../checks/unknown-fields.ts";
import type { Secret } from "../credentials/secrets.ts";
import { ConfigurationError } from "../errors.ts";
import type { RedisCommands } from "./commands.ts";
import { type Address, readNode, readUrl } from "./node-address.ts";
import type { RedisCacheOptions, RedisTls } from "./options.ts";
import { tlsCheck } from "./tls-check.ts";

/** Who connects, and how. */
export interface Access {
  readonly username: string | undefined;
  readonly password: Secret | undefined;
  readonly tls: RedisTls | undefined;
}

/** The options, looked through and with their defaults. */
export interface RedisSettings {
  readonly keyPrefix: string;
  readonly connectTimeoutMs: number;
  readonly way:
    | { readonly to: "client"; readonly client: RedisCommands }
    | ({ readonly to: "server" } & Server)
    | { readonly to: "cluster"; readonly nodes: readonly Address[]; readonly access: Access }
    | ({ readonly to: "sentinel" } & Sentinels);
}

export interface Server {
  readonly node: Address;
  readonly access: Access;
  readonly database: number;
}

export interface Sentinels {
  readonly nodes: readonly Address[];
  readonly name: string;
  readonly sentinelAccess: Access;
  readonly access: Access;
  readonly database: number;
}

const ways = ["url", "host", "cluster", "sentinel", "client"] as const;
type WayName = (typeof ways)[number];
type Fields = Readonly<Record<string, unknown>>;

const common: Readonly<Record<string, Check>> = {
  connectTimeoutMs: optional(milliseconds(1)),
  keyPrefix: optional(text),
};

const login: Readonly<Record<string, Check>> = {
  username: optional(text),
  password: optional(credential),
  tls: optional(tlsCheck),
};

const database: Check = (value, path, problems) => {
  if (!Number.isInteger(value) || Number(value) < 0) {
    problems.add(path, "must be a database number", "set an integer from 0");
  }
};

const port: Check = (value, path, problems) => {
  if (!Number.isInteger(value) || Number(value) < 1 || Number(value) > 65_535) {
    problems.add(path, "must be a port", "set an integer from 1 to 65535");
  }
};

const nodes: Check = (value, path, problems) => {
  if (!Array.isArray(value) || value.length === 0) {
    return problems.add(path, "must be a list of nodes", "set at least one { host, port } or URL");
  }
  for (const [index, node] of value.entries()) readNode(node, 0, `${path}[${index}]`, problems);
};

const fieldsOf: Readonly<Record<WayName, Readonly<Record<string, Check>>>> = {
  url: { ...common, ...login, database: optional(database), url: () => {} },
  host: { ...common, ...login, database: optional(database), host: text, port: optional(port) },
  cluster: { ...common, ...login, cluster: record({ nodes }) },
  sentinel: {
    ...common,
    ...login,
    database: optional(database),
    sentinel: record({ ...login, nodes, name: text }),
  },
  client: { ...common, client: givenClient },
};

/** @throws ConfigurationError with every mistake */
export function readRedisOptions(options: RedisCacheOptions): RedisSettings {
  const problems = new Problems();
  const settings = isRecord(options) ? read(options, problems) : notAnObject(options, problems);
  if (settings === undefined || problems.list.length > 0) {
    throw new ConfigurationError({ endpoint: "createRedisCache", problems: problems.list });
  }
  return settings;
}

function notAnObject(options: unknown, problems: Problems): undefined {
  problems.add(
    "options",
    mustBe("an object", options),
    `set an object with one of ${quoted(ways)}`,
  );
}

function read(options: Fields, problems: Problems): RedisSettings | undefined {
  const named = ways.filter((way) => options[way] !== undefined);
  const [way, ...others] = named;
  if (way === undefined || others.length > 0) {
    const which = way === undefined ? "says no way" : `says ${named.length} ways`;
    problems.add("options", `${which} to reach Redis`, `set exactly one of ${quoted(ways)}`);
    return undefined;
  }
  checkFields(options, fieldsOf[way], problems);
  const read = wayOf(way, options, problems);
  return {
    keyPrefix: typeof options.keyPrefix === "string" ? options.keyPrefix : "endpoint-security",
    connectTimeoutMs: Number(options.connectTimeoutMs ?? 2000),
    way: read,
  };
}

/** What follows trusts the checks: where they found something, its result is thrown away. */
function wayOf(way: WayName, options: Fields, problems: Problems): RedisSettings["way"] {
  switch (way) {
    case "client":
      return { to: "client", client: options.client as RedisCommands };
    case "host":
      return {
        to: "server",
        node: { host: options.host as string, port: Number(options.port ?? 6379) },
        access: accessOf(options),
        database: Number(options.database ?? 0),
      };
    case "url":
      return { to: "server", ...serverAt(options, problems) };
    case "cluster": {
      const read = nodesOf(options.cluster, 6379);
      return { to: "cluster", nodes: read.nodes, access: accessOf(options, read.secure) };
    }
    case "sentinel": {
      const sentinel = isRecord(options.sentinel) ? options.sentinel : {};
      const read = nodesOf(sentinel, 26_379);
      const access = accessOf(options);
      return {
        to: "sentinel",
        nodes: read.nodes,
        name: sentinel.name as string,
        sentinelAccess: accessOf({ tls: options.tls, ...defined(sentinel) }, read.secure),
        access,
        database: Number(options.database ?? 0),
      };
    }
  }
}

function serverAt(options: Fields, problems: Problems): Server {
  const { username, password, database, secure, ...node } = readUrl(
    options.url,
    6379,
    "url",
    problems,
  );
  for (const [name, value] of Object.entries({ username, password, database })) {
    if (value !== undefined && options[name] !== undefined) {
      problems.add(name, "is set twice, in the URL and as an option", "keep one of them");
    }
  }
  if (!secure && options.tls !== undefined && options.tls !== false) {
    problems.add("tls", "is set for a URL without TLS", 'begin the URL with "rediss://"');
  } else if (secure && options.tls === false) {
    problems.add("tls", "is false for a URL with TLS", 'begin the URL with "redis://"');
  }
  return {
    node,
    access: accessOf({ username, password, ...defined(options) }, secure),
    database: Number(options.database ?? database ?? 0),
  };
}

function nodesOf(value: unknown, defaultPort: number) {
  const list: unknown = isRecord(value) ? value.nodes : undefined;
  // Found wanting before, where it is.
  const read = (Array.isArray(list) ? list : []).map((node) =>
    readNode(node, defaultPort, "", new Problems()),
  );
  return { nodes: read, secure: read.some(({ secure }) => secure) };
}

function accessOf({ username, password, tls }: Fields, secure = false): Access {
  return {
    username: username as string | undefined,
    password: password as Secret | undefined,
    tls:
      tls === true || (secure && tls === undefined)
        ? {}
        : tls === false
          ? undefined
          : (tls as RedisTls),
  };
}

function defined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function record(checks: Readonly<Record<string, Check>>): Check {
  return (value, path, problems) => {
    if (isRecord(value)) checkFields(value, checks, problems, (name) => `${path}.${name}`);
    else problems.add(path, mustBe("an object", value), "set an object");
  };
}

function givenClient(value: unknown, path: string, problems: Problems): void {
  const methods = ["connect", "get", "set", "unlink", "eval"];
  const lacks =
    typeof value !== "object" ||
    value === null ||
    typeof Reflect.get(value, "isOpen") !== "boolean" ||
    methods.some((method) => typeof Reflect.get(value, method) !== "function");
  if (lacks) {
    problems.add(
      path,
      "must be a client of node-redis 5",
      "set what createClient of redis returns",
    );
  }
}
