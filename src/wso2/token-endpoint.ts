import type { TokenRequestOptions } from "../configuration/oauth2-config.ts";
import type { Cursor } from "./cursor.ts";

/** The deadline of an attempt, and of the whole request where that would be shorter. */
export function attemptDeadline(attemptTimeoutMs: number): { tokenRequest?: TokenRequestOptions } {
  if (attemptTimeoutMs === 0) return {};
  const isLong = attemptTimeoutMs > 10_000;
  const timeoutMs = isLong ? { timeoutMs: attemptTimeoutMs } : {};
  return { tokenRequest: { attemptTimeoutMs, ...timeoutMs } };
}

/** They allow http everywhere. */
export function insecure(place: Cursor, url: string): { allowInsecureRequests?: true } {
  if (!/^http:\/\//i.test(url)) return {};
  const { hostname } = URL.canParse(url) ? new URL(url) : { hostname: "" };
  if (/^(localhost|127\..*|\[::1\])$/.test(hostname)) return {};
  const note = "is http, so that client secret and tokens can be read on their way";
  place.report.add("left", { path: place.path, note, fix: "use https" });
  return { allowInsecureRequests: true };
}
