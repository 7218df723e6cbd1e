import type { Problems } from "../checks/check.ts";
import { isRecord, kindOf, mustBe } from "../checks/kinds.ts";
import { unfilledTemplate } from "../checks/secret-mistake.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

interface ReadUrl extends Address {
  readonly secure: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number | undefined;
}

const unread: ReadUrl = {
  host: "",
  port: 0,
  secure: false,
  username: undefined,
  password: undefined,
  database: undefined,
};

/**
 * A URL of Redis. No message shows it, because it may hold a password.
 * @see https://www.iana.org/assignments/uri-schemes/prov/redis
 */
export function readUrl(
  value: unknown,
  defaultPort: number,
  path: string,
  problems: Problems,
): ReadUrl {
  const wrong = (problem: string, fix = 'write it as "rediss://host:port"'): ReadUrl => {
    problems.add(path, problem, fix);
    return unread;
  };
  if (typeof value !== "string") return wrong(mustBe("a URL", value));
  const template = unfilledTemplate(value);
  if (template !== undefined) return wrong(template.problem, template.fix);
  if (!URL.canParse(value)) return wrong("must be a URL");
  const url = new URL(value);
  if (url.protocol !== "redis:" && url.protocol !== "rediss:") {
    return wrong("has another scheme than redis: and rediss:");
  }
  if (url.hostname === "") return wrong("names no host");
  if (url.search !== "" || url.hash !== "") {
    return wrong("has a query or a fragment", "give options beside it");
  }
  const database = /^\/?$/.test(url.pathname) ? undefined : Number(url.pathname.slice(1));
  if (database !== undefined && !(Number.isInteger(database) && database >= 0)) {
    return wrong("has a path that is not a database number", 'end it with "/3" for database 3');
  }
  try {
    return {
      // IPv6 addresses come in brackets.
      host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: url.port === "" ? defaultPort : Number(url.port),
      secure: url.protocol === "rediss:",
      username: decodeURIComponent(url.username) || undefined,
      password: decodeURIComponent(url.password) || undefined,
      database,
    };
  } catch {
    return wrong("has a user name or password that is badly encoded", "use encodeURIComponent()");
  }
}

/** One node of a cluster, or one sentinel. */
export function readNode(
  value: unknown,
  defaultPort: number,
  path: string,
  problems: Problems,
): Address & { readonly secure: boolean } {
  if (!isRecord(value)) {
    const { username, password, database, ...node } = readUrl(value, defaultPort, path, problems);
    if (username !== undefined || password !== undefined || database !== undefined) {
      const problem = "has credentials or a database, which all nodes share";
      problems.add(path, problem, "set them in their own options");
    }
    return node;
  }
  const { host, port = defaultPort } = value;
  if (typeof host !== "string" || host.trim() === "") {
    problems.add(`${path}.host`, `is ${host === "" ? "empty" : kindOf(host)}`, "set a host");
  }
  if (!Number.isInteger(port) || Number(port) < 0 || Number(port) > 65_535) {
    problems.add(`${path}.port`, "must be a port", "set an integer from 1 to 65535");
  }
  return { host: String(host), port: Number(port), secure: false };
}
