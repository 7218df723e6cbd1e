import { type Check, credential, flag, milliseconds, optional, text } from "../checks/check.ts";
import { isPattern } from "../checks/host-patterns.ts";
import { isRecord, mustBe } from "../checks/kinds.ts";
import { unfilledTemplate } from "../checks/secret-mistake.ts";
import { checkFields } from "../checks/unknown-fields.ts";
import type { ClientCertificate } from "../credentials/client-certificate.ts";

/**
 * How token requests and the wrappers' requests are sent. Needs undici 7 (`npm install undici@7`), whose
 * dispatcher is handed to `fetch`.
 */
export interface Transport {
  /**
   * How long connecting may take, TLS and a proxy's tunnel included, in milliseconds.
   * @default 10_000
   */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * From a request sent to its response's headers, in milliseconds.
   * @default 300_000
   */
  readonly headersTimeoutMs?: number | undefined;
  /**
   * Between two pieces of a response's body, in milliseconds.
   * @default 300_000
   */
  readonly bodyTimeoutMs?: number | undefined;
  /**
   * A whole request to the backend, in milliseconds: the wait for a token, a replay and the response's body
   * included. Token requests have `tokenRequest.timeoutMs`.
   * @default no limit
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How long an idle connection is kept, in milliseconds.
   * @default 4_000
   */
  readonly keepAliveTimeoutMs?: number | undefined;
  /**
   * How many connections there may be to one origin.
   * @default no limit
   */
  readonly maxConnections?: number | undefined;
  /**
   * URL of an HTTP proxy, with user name and password if it wants them; `false` for no proxy where the
   * instance has one. https goes through a tunnel (CONNECT).
   * @default no proxy
   * @example "http://user:password@proxy.example.com:3128"
   */
  readonly proxy?: string | false | undefined;
  /**
   * Hosts that are reached without the proxy, with their subdomains; addresses, and blocks of addresses;
   * each with a port or without; `"*"` for all.
   * @example ["example.com", "*.internal", "example.org:8443", "10.0.0.0/8"]
   */
  readonly noProxy?: readonly string[] | undefined;
  /**
   * Takes the proxy from `HTTPS_PROXY` and `HTTP_PROXY`, and `noProxy` from `NO_PROXY` if it isn't set (in
   * lower case, too).
   * @default false
   */
  readonly proxyFromEnvironment?: boolean | undefined;
  /**
   * Whether HTTP/2 is used where the server offers it.
   * @default false
   */
  readonly allowH2?: boolean | undefined;
  /** Certificates (PEM) of authorities to trust besides those that Node.js trusts. */
  readonly ca?: string | readonly string[] | undefined;
  /** The certificate that the client presents in TLS. Each certificate has tokens of its own. */
  readonly clientCertificate?: ClientCertificate | undefined;
}

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
      return problems.add(path, mustBe("an object", value), "set an object with options");
    }
    const settings = value ?? {};
    checkFields(settings, transportChecks(settings), problems, (name) => `${path}.${name}`);
    if (isCertificateNeeded && settings.clientCertificate === undefined) {
      problems.add(
        `${path}.clientCertificate`,
        "is missing, and tokenEndpointAuthMethod needs a certificate",
        "set certificate and private key, or choose another method",
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
        problems.add(path, "is set as well as proxy", "keep one of them");
      }
    }),
    allowH2: optional(flag),
    ca: optional(certificates),
    clientCertificate: optional(clientCertificate),
  };
}

const connections: Check = (value, path, problems) => {
  if (!Number.isInteger(value) || Number(value) < 1) {
    problems.add(path, "must be a positive integer", "set a number of connections");
  }
};

/** No message shows the URL: it may hold a password. */
export const proxyUrl: Check = (value, path, problems) => {
  if (value === false) return;
  if (typeof value !== "string") {
    return problems.add(path, mustBe("a URL or false", value), "set a URL, or false for no proxy");
  }
  const template = unfilledTemplate(value);
  if (template !== undefined) return problems.add(path, template.problem, template.fix);
  if (!URL.canParse(value)) {
    return problems.add(path, "must be an absolute URL", 'write it as "http://proxy:3128"');
  }
  const { protocol, pathname, search, hash, username, password } = new URL(value);
  if (protocol !== "http:" && protocol !== "https:") {
    return problems.add(path, `has the scheme ${protocol}`, "use http or https");
  }
  if (pathname !== "/" || search !== "" || hash !== "") {
    problems.add(path, "has more than scheme, credentials, host and port", "leave out the rest");
  }
  if (username === "" && password !== "") {
    problems.add(path, "has a password without a user name", "add the user name");
  }
  try {
    decodeURIComponent(username);
    decodeURIComponent(password);
  } catch {
    problems.add(path, "has credentials with an unescaped %", "write it as %25");
  }
};

const hostPatterns: Check = (value, path, problems) => {
  if (!Array.isArray(value))
    return problems.add(path, mustBe("a list of hosts", value), "set a list of hosts");
  if (value.length > 1 && value.includes("*")) {
    problems.add(path, 'has "*" among others', 'set ["*"] only');
  }
  for (const [index, host] of value.entries()) {
    const at = `${path}[${index}]`;
    if (typeof host !== "string") problems.add(at, mustBe("a host", host), "set a host");
    else if (!isPattern(host)) {
      const fix = 'set a host such as "example.com", "example.com:8443", "10.0.0.0/8" or "::1"';
      problems.add(at, "must be a host, an address or a block of addresses", fix);
    }
  }
};

export const certificates: Check = (value, path, problems) => {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0)
    problems.add(path, "is an empty list", "add a certificate or leave it out");
  for (const [index, one] of list.entries()) {
    pem("CERTIFICATE")(one, Array.isArray(value) ? `${path}[${index}]` : path, problems);
  }
};

export const clientCertificate: Check = (value, path, problems) => {
  if (!isRecord(value)) {
    const fix = "set certificate and privateKey, or certificateFile and privateKeyFile";
    return problems.add(path, mustBe("an object", value), fix);
  }
  const byFile = value.certificateFile !== undefined || value.privateKeyFile !== undefined;
  const twice: Check = (_, at, list) =>
    list.add(at, "is set as well as a file", "keep one of the two");
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
      return problems.add(path, mustBe("PEM", value), "set PEM as a string");
    }
    const template = unfilledTemplate(value);
    if (template !== undefined) return problems.add(path, template.problem, template.fix);
    if (!new RegExp(`-----BEGIN ([A-Z ]+ )?${label}-----`).test(value)) {
      problems.add(
        path,
        `has no ${label.toLowerCase()} in PEM format`,
        `set -----BEGIN ${label}-----…`,
      );
    }
  };
