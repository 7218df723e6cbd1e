import { shownUrl } from "../endpoint/url-rules.ts";
import { DestinationRefusedError } from "../errors.ts";

// Nothing in it could lead out of the base: no dot segment, escape, backslash or empty segment.
const harmless = /^\/(?!\/)[A-Za-z0-9_~!$&'()*+,;=:@/-]*(?:\?[^#]*)?$/;
/** What axios takes for absolute: a scheme, or none, before two slashes. */
export function isAbsolute(url: string): boolean {
  return /^(?:[a-z][a-z\d+.-]*:)?\/\//i.test(url);
}

/** The one place that an endpoint's credentials may be sent to: its `url` and what is below. */
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
    if (harmless.test(url)) return this.prefix + url;
    if (url.startsWith(this.prefix) && harmless.test(url.slice(this.prefix.length))) return url;
    const joined = isAbsolute(url) ? url : this.#join(url);
    const target = URL.canParse(joined, this.#base.href) ? new URL(joined, this.#base) : undefined;
    if (target === undefined || !this.covers(target))
      throw this.refusal(target ?? "an invalid URL");
    return target.href;
  }

  /** Whether credentials may go there. */
  covers(url: URL): boolean {
    const bare = url.username === "" && url.password === "";
    return bare && url.origin === this.#base.origin && isBelow(this.#base.pathname, url);
  }

  refusal(destination: URL | string): DestinationRefusedError {
    return new DestinationRefusedError({
      endpoint: this.#label,
      destination: destination instanceof URL ? shownUrl(destination) : destination,
      allowed: this.prefix,
    });
  }

  #join(relative: string): string {
    return relative === "" ? this.#base.href : `${this.prefix}/${relative.replace(/^\/+/, "")}`;
  }
}

function isBelow(basePath: string, url: URL): boolean {
  const prefix = resolved(basePath).replace(/\/+$/, "");
  const inside = (path: string) => path === prefix || path.startsWith(`${prefix}/`);
  // Servers may decode %2e, %2f and %5c and merge slashes before they resolve dots; so the path has
  // to hold both ways.
  const decoded = url.pathname
    .replaceAll(/%2e/gi, ".")
    .replaceAll(/%2f|%5c/gi, "/")
    .replaceAll(/\/+/g, "/");
  return inside(resolved(url.pathname)) && inside(resolved(decoded));
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
