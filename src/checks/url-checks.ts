import { type Check, type Problems, text } from "./check.ts";
import { mustBe } from "./kinds.ts";

/** A URL as messages may show it: without user info, query and fragment, where secrets could be. */
export function shownUrl(url: string | URL): string {
  try {
    const { origin, pathname } = new URL(url);
    return `${origin}${pathname}`;
  } catch {
    return "(no URL)";
  }
}

/** Whether a host is this machine. */
function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  );
}

/** An absolute http or https URL with no credentials in it. */
const absoluteUrl =
  (further: (url: URL, path: string, problems: Parameters<Check>[2]) => void): Check =>
  (value, path, problems) => {
    if (typeof value !== "string") {
      return problems.add(path, mustBe("an absolute URL", value), "set a URL as a string");
    }
    const before = problems.list.length;
    text(value, path, problems);
    if (problems.list.length > before) return;
    if (!URL.canParse(value)) {
      return problems.add(path, "must be an absolute URL", 'write it as "https://host/path"');
    }
    const url = new URL(value);
    if (url.protocol !== "https:" && url.protocol !== "http:") {
      return problems.add(path, `has the scheme ${url.protocol}`, "use https");
    }
    if (url.username !== "" || url.password !== "") {
      problems.add(path, "has a user name or password", "set credentials in their own fields");
    }
    if (url.hash !== "") problems.add(path, "has a fragment (#…)", "leave it out");
    further(url, path, problems);
  };

/** The backend's URL. */
export const backendUrl: Check = absoluteUrl((url, path, problems) => {
  if (url.search !== "") {
    problems.add(path, "has a query (?…)", "add parameters to each request");
  }
});

/** No more than scheme, host and port. */
export const originUrl: Check = absoluteUrl((url, path, problems) => {
  if (url.pathname !== "/" || url.search !== "") {
    problems.add(path, "has a path or query", 'set the origin only, as "https://host"');
  }
});

const notInsecure = (url: URL, path: string, problems: Problems, isAllowed: boolean) => {
  if (url.protocol === "http:" && !isAllowed && !isLoopback(url.hostname)) {
    problems.add(
      path,
      "is http, which sends the credentials in plain text",
      "use https, or set allowInsecureRequests: true",
    );
  }
};

/**
 * The token endpoint's URL.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.2
 */
export const tokenEndpointUrl = (allowInsecureRequests: boolean): Check =>
  absoluteUrl((url, path, problems) => notInsecure(url, path, problems, allowInsecureRequests));

/**
 * An issuer.
 * @see https://www.rfc-editor.org/rfc/rfc8414#section-2
 */
export const issuerUrl = (allowInsecureRequests: boolean): Check =>
  absoluteUrl((url, path, problems) => {
    if (url.search !== "") problems.add(path, "has a query (?…)", "leave it out");
    if (url.pathname.includes("/.well-known/")) {
      const fix = "set only the part before /.well-known/";
      problems.add(path, "is the URL of the issuer's metadata", fix);
    }
    notInsecure(url, path, problems, allowInsecureRequests);
  });
