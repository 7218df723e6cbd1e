import { checkFields } from "./known-fields.ts";
import {
  type Check,
  credential,
  flag,
  isRecord,
  milliseconds,
  optional,
  text,
} from "./problems.ts";
import { kindOf, type Secret, unfilledTemplate } from "./secrets.ts";

/**
 * How requests travel: token requests, and the wrappers' requests to the backend. Needs undici 7
 * (`npm install undici@7`), whose dispatcher is handed to `fetch`.
 */
export interface Transport {
  /** How long a connection may take to stand, TLS and a proxy's tunnel included, in milliseconds. Default: 10 000. */
  readonly connectTimeoutMs?: number | undefined;
  /** From a request sent to its response's headers, in milliseconds. Default: 300 000. */
  readonly headersTimeoutMs?: number | undefined;
  /** Between two pieces of a response's body, in milliseconds. Default: 300 000. */
  readonly bodyTimeoutMs?: number | undefined;
  /**
   * A whole request to the backend through `wrapFetch` (renewal, replay and the response's body
   * included) or `wrapAxios`, in milliseconds. Default: no limit. Token requests have
   * `tokenRequestTimeoutMs`.
   */
  readonly timeoutMs?: number | undefined;
  /** For how long an idle connection is kept, in milliseconds. Default: 4 000. */
  readonly keepAliveTimeoutMs?: number | undefined;
  /** How many connections there may be to one origin. Default: no limit. */
  readonly maxConnections?: number | undefined;
  /**
   * URL of an HTTP proxy, with user name and password where it wants them; or false for none, where
   * the instance has one. https goes through a tunnel (CONNECT).
   */
  readonly proxy?: string | false | undefined;
  /**
   * Hosts that are reached without the proxy, and their subdomains: `"example.com"`, the same as
   * `".example.com"` and `"*.example.com"`; `"example.com:8443"` for one port; `"*"` for all.
   */
  readonly noProxy?: readonly string[] | undefined;
  /**
   * Takes the proxy from `HTTPS_PROXY` and `HTTP_PROXY`, and `noProxy` where it isn't given from
   * `NO_PROXY` (in lower case, too). Default: false.
   */
  readonly proxyFromEnvironment?: boolean | undefined;
  /** Certificates (PEM) of authorities to trust besides those that Node trusts. */
  readonly ca?: string | readonly string[] | undefined;
  /** What the client shows of itself in TLS. Tokens may be bound to it, so each certificate has its own. */
  readonly clientCertificate?: ClientCertificate | undefined;
}

/**
 * A client certificate and its private key: PEM, the certificate followed by those between it and the
 * authority. As files they are read anew, so that a new pair is taken up without a restart.
 * @see https://www.rfc-editor.org/rfc/rfc8705
 */
export type ClientCertificate =
  | {
      readonly certificate: string;
      readonly privateKey: Secret;
      /** Where the key is encrypted. */
      readonly passphrase?: Secret | undefined;
      readonly certificateFile?: undefined;
      readonly privateKeyFile?: undefined;
    }
  | {
      /** Path of a file with the certificate. */
      readonly certificateFile: string;
      /** Path of a file with the private key. */
      readonly privateKeyFile: string;
      /** Where the key is encrypted. */
      readonly passphrase?: Secret | undefined;
      readonly certificate?: undefined;
      readonly privateKey?: undefined;
    };

/** An endpoint's own settings, and the instance's for the rest. */
export function mergedTransport(
  instance: Transport | undefined,
  own: Transport | undefined,
): Transport | undefined {
  if (instance === undefined || own === undefined) return own ?? instance;
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  const merged: Record<string, unknown> = { ...instance, ...Object.fromEntries(given) };
  // Which proxy is one question with two ways to answer it.
  if (own.proxy !== undefined) delete merged.proxyFromEnvironment;
  else if (own.proxyFromEnvironment !== undefined) delete merged.proxy;
  return merged;
}

/** @param isCertificateNeeded the client's proof of who it is. */
export const transport =
  (isCertificateNeeded = false): Check =>
  (value, path, problems) => {
    if (value !== undefined && !isRecord(value)) {
      return problems.add(path, `is ${kindOf(value)}`, "give a record of settings");
    }
    const settings = value ?? {};
    checkFields(settings, transportChecks(settings), problems, (name) => `${path}.${name}`);
    if (isCertificateNeeded && settings.clientCertificate === undefined) {
      problems.add(
        `${path}.clientCertificate`,
        "is missing, and the tokenEndpointAuthMethod is by certificate",
        "give certificate and private key, or choose another method",
      );
    }
  };

function transportChecks(settings: Readonly<Record<string, unknown>>): Record<string, Check> {
  const hasProxy = typeof settings.proxy === "string";
  return {
    connectTimeoutMs: optional(milliseconds(1)),
    headersTimeoutMs: optional(milliseconds(1)),
    bodyTimeoutMs: optional(milliseconds(1)),
    timeoutMs: optional(milliseconds(1)),
    keepAliveTimeoutMs: optional(milliseconds(1)),
    maxConnections: optional(connections),
    proxy: optional(proxyUrl),
    noProxy: optional(hostPatterns),
    proxyFromEnvironment: optional((value, path, problems) => {
      flag(value, path, problems);
      if (hasProxy && value === true) {
        problems.add(path, "is given as well as proxy", "keep one of them");
      }
    }),
    ca: optional(certificates),
    clientCertificate: optional(clientCertificate),
  };
}

const connections: Check = (value, path, problems) => {
  if (!Number.isInteger(value) || Number(value) < 1) {
    problems.add(path, "is no positive integer", "give a number of connections");
  }
};

/** What is wrong is told without the URL: it may hold a password. */
export const proxyUrl: Check = (value, path, problems) => {
  if (value === false) return;
  if (typeof value !== "string") {
    return problems.add(path, `is ${kindOf(value)}`, "give a URL, or false for no proxy");
  }
  const template = unfilledTemplate(value);
  if (template !== undefined) return problems.add(path, template.problem, template.mend);
  if (!URL.canParse(value)) {
    return problems.add(path, "is no absolute URL", 'write it whole, as "http://proxy:3128"');
  }
  const { protocol, pathname, search, hash, username, password } = new URL(value);
  if (protocol !== "http:" && protocol !== "https:") {
    return problems.add(path, `has the scheme ${protocol}`, "use http or https");
  }
  if (pathname !== "/" || search !== "" || hash !== "") {
    problems.add(path, "has more than scheme, credentials, host and port", "leave the rest out");
  }
  if ((username === "") !== (password === "")) {
    problems.add(path, "has a user name or a password alone", "give both or neither");
  }
  try {
    decodeURIComponent(username);
    decodeURIComponent(password);
  } catch {
    problems.add(path, "has credentials with a stray %", "write it as %25");
  }
};

const hostPatterns: Check = (value, path, problems) => {
  if (!Array.isArray(value))
    return problems.add(path, `is ${kindOf(value)}`, "give a list of hosts");
  if (value.length > 1 && value.includes("*")) {
    problems.add(path, 'holds "*" among others', 'give ["*"] alone');
  }
  for (const [index, host] of value.entries()) {
    const at = `${path}[${index}]`;
    if (typeof host !== "string") problems.add(at, `is ${kindOf(host)}`, "give a host");
    else if (
      host !== "*" &&
      !/^(\*?\.)?([\w-]+(\.[\w-]+)*\.?|\[[\da-f:.]+\])(:\d+)?$/i.test(host)
    ) {
      const mend = 'give a host as "example.com", "*.example.com" or "example.com:8443"';
      problems.add(at, "is no host that can be told by its name", mend);
    }
  }
};

const certificates: Check = (value, path, problems) => {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) problems.add(path, "is an empty list", "give one or leave it out");
  for (const [index, one] of list.entries()) {
    pem("CERTIFICATE")(one, Array.isArray(value) ? `${path}[${index}]` : path, problems);
  }
};

const clientCertificate: Check = (value, path, problems) => {
  if (!isRecord(value)) {
    const mend = "give certificate and privateKey, or certificateFile and privateKeyFile";
    return problems.add(path, `is ${kindOf(value)}`, mend);
  }
  const byFile = value.certificateFile !== undefined || value.privateKeyFile !== undefined;
  const twice: Check = (_, at, list) =>
    list.add(at, "is given as well as a file", "keep one of the two ways");
  const checks = {
    certificate: byFile ? optional(twice) : pem("CERTIFICATE"),
    privateKey: byFile ? optional(twice) : privateKeyPem,
    certificateFile: byFile ? text : () => {},
    privateKeyFile: byFile ? text : () => {},
    passphrase: optional(credential),
  };
  checkFields(value, checks, problems, (name) => `${path}.${name}`);
};

const privateKeyPem: Check = (value, path, problems) => {
  if (typeof value !== "function") pem("PRIVATE KEY")(value, path, problems);
};

const pem =
  (label: string): Check =>
  (value, path, problems) => {
    if (typeof value !== "string") {
      return problems.add(path, `is ${kindOf(value)}`, "give PEM as a string");
    }
    const template = unfilledTemplate(value);
    if (template !== undefined) return problems.add(path, template.problem, template.mend);
    if (!new RegExp(`-----BEGIN ([A-Z ]+ )?${label}-----`).test(value)) {
      problems.add(
        path,
        `holds no ${label.toLowerCase()} as PEM`,
        `give -----BEGIN ${label}-----…`,
      );
    }
  };
