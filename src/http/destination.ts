import { shownUrl } from "../checks/url-checks.ts";
import { DestinationRefusedError } from "../errors.ts";

// Nothing in it could lead out of the base: no dot segment, escape, backslash or empty segment.
const plainPath = /^\/(?!\/)[A-Za-z0-9_~!$&'()*+,;=:@/-]*(?:\?[^#]*)?$/;
/** Absolute as axios understands it: two slashes, with a scheme before them or without. */
export function isAbsolute(url: string): boolean {
  return /^(?:[a-z][a-z\d+.-]*:)?\/\//i.test(url);
}

/** Schemes of addresses that are no place on the web. Others with a colon may be relative paths. */
const elsewhere = /^(about|blob|data|file|ftp|javascript|mailto|tel|wss?):/i;

/** Where an endpoint's credentials may be sent: to its `url` and below. */
export class Destination {
  readonly #label: string;
  readonly #base: URL;
  /** The base without a slash at its end: what relative URLs are joined to. */
  readonly prefix: string;

  constructor(url: string, label: string) {
    this.#label = label;
    this.#base = new URL(url);
    this.prefix = `${this.#base.origin}${this.#base.pathname.replace(/\/+$/, "")}`;
  }

  /**
   * The absolute URL of a request: relative ones are joined below the base, as axios joins `baseURL`.
   * @throws DestinationRefusedError when that isn't the endpoint
   */
  resolve(url: string): string {
    if (plainPath.test(url)) return this.prefix + url;
    if (url.startsWith(this.prefix) && plainPath.test(url.slice(this.prefix.length))) return url;
    if (elsewhere.test(url)) {
      const [scheme = ""] = url.split(":");
      throw this.refusal(
        `an address of the scheme ${scheme.toLowerCase()}:`,
        "it is not http or https",
      );
    }
    const joined = isAbsolute(url) ? url : this.#join(url);
    const target = URL.canParse(joined, this.#base.href) ? new URL(joined, this.#base) : undefined;
    if (target === undefined) throw this.refusal("an invalid URL", "it can't be parsed");
    const reason = this.#reasonAgainst(target);
    if (reason !== undefined) throw this.refusal(target, reason);
    return target.href;
  }

  /** Whether credentials may go there. */
  covers(url: URL): boolean {
    return this.#reasonAgainst(url) === undefined;
  }

  /** Why credentials may not go there; undefined where they may. */
  #reasonAgainst(url: URL): string | undefined {
    if (url.username !== "" || url.password !== "") return "the URL holds a user name or password";
    if (url.origin !== this.#base.origin) return "its scheme, host or port is another";
    if (!isBelow(this.#base.pathname, url.pathname)) return "its path is not below that of url";
    return undefined;
  }

  /**
   * A `Host` header of the caller's leads to another tenant of the same server.
   * @throws DestinationRefusedError
   */
  checkHost(host: unknown): void {
    if (typeof host !== "string" || host === "" || host.toLowerCase() === this.#base.host) return;
    throw this.refusal("another tenant of the server", "the Host header names another host");
  }

  refusal(destination: URL | string, reason: string): DestinationRefusedError {
    return new DestinationRefusedError({
      endpoint: this.#label,
      destination: destination instanceof URL ? shownUrl(destination) : destination,
      allowed: this.prefix,
      reason,
    });
  }

  #join(relative: string): string {
    return relative === "" ? this.#base.href : `${this.prefix}/${relative.replace(/^\/+/, "")}`;
  }
}

function isBelow(basePath: string, path: string): boolean {
  const isInside = (base: string, inside: string) => {
    const prefix = resolved(base).replace(/\/+$/, "");
    const whole = resolved(inside);
    return whole === prefix || whole.startsWith(`${prefix}/`);
  };
  // Servers may decode a path before they resolve its dots: so it has to be inside both ways.
  return isInside(basePath, path) && isInside(decoded(basePath), decoded(path));
}

/**
 * A path as the most lenient server reads it: escapes of escapes, of dots and of slashes decoded,
 * slashes merged, and parameters (`..;a=b`) dropped from dot segments.
 */
function decoded(path: string): string {
  return path
    .replaceAll(/%(?:25)+/g, "%")
    .replaceAll(/%2e/gi, ".")
    .replaceAll(/%2f|%5c|\\/gi, "/")
    .replaceAll(/%3b/gi, ";")
    .replaceAll(/\/+/g, "/")
    .replaceAll(/\/(\.{1,2});[^/]*/g, "/$1");
}

/**
 * A path without dot segments. URL leaves them in on some versions of Node.js, where a segment
 * before them begins with a dot.
 */
function resolved(path: string): string {
  const [root = "", ...segments] = path.split("/");
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === "..") kept.pop();
    else if (segment !== ".") kept.push(segment);
  }
  return [root, ...kept].join("/");
}
