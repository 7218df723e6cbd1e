import type { OAuth2Endpoint } from "../../configuration/parsed-endpoint.ts";
import { spanOf } from "../../time-text.ts";
import { missingScopes } from "../../tokens/scopes.ts";
import type { TokenSet } from "../../tokens/token-set.ts";
import { type Finding, failed, passed, skipped, warning } from "./step.ts";

const shortLifeMs = 60_000;
/** Servers write their time in whole seconds, and the response takes time. */
const toleratedSeconds = 5;
const wrongSeconds = 60;
/** What says for whom a token is, and nothing of a person. */
const shownClaims = ["iss", "aud", "client_id", "azp", "sub", "scope", "scp", "roles"];

/** Lifetime, scope and claims of a token, never the token itself. */
export function checkToken(token: TokenSet, { scope }: OAuth2Endpoint): Finding {
  const lifetimeMs = token.expiresAt - token.issuedAt;
  const claims = claimsOf(token.accessToken);
  const shown = [
    `${token.tokenType}, ${spanOf(lifetimeMs)}`,
    ...(token.scope === undefined ? [] : [`scope ${token.scope || "(none)"}`]),
    claims === undefined ? "opaque" : `JWT${textOf(claims)}`,
  ].join("; ");
  const missing = missingScopes(scope, token.scope);
  if (missing.length > 0) {
    return warning(
      `${shown}; not granted: ${missing.join(" ")}`,
      "have the client allowed these scopes, or don't request them",
    );
  }
  return lifetimeMs < shortLifeMs
    ? warning(
        shown,
        "tokens live for less than a minute: have the authorization server make it longer",
      )
    : passed(shown);
}

/** How far this machine's clock is from that of the authorization server. */
export function checkClock(date: string | undefined, receivedAt: number): Finding {
  const theirs = Date.parse(date ?? "");
  if (Number.isNaN(theirs)) return skipped("the token endpoint doesn't say its time");
  const ahead = Math.round((receivedAt - theirs) / 1_000);
  const by = Math.abs(ahead);
  if (by <= toleratedSeconds) return passed("agrees with the token endpoint's");
  const shown = `this machine is ${by} s ${ahead > 0 ? "ahead of" : "behind"} the token endpoint`;
  const fix = "set both clocks by NTP: tokens and assertions count as expired, or as not valid yet";
  return by > wrongSeconds ? failed(shown, fix) : warning(shown, fix);
}

function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? "", "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
}

function textOf(claims: Readonly<Record<string, unknown>>): string {
  const shown = shownClaims.flatMap((name) => {
    const value = claims[name];
    if (value === undefined) return [];
    const text = Array.isArray(value) ? value.join(" ") : String(value);
    return [`${name} ${text.length > 80 ? `${text.slice(0, 79)}…` : text}`];
  });
  return shown.length === 0 ? "" : ` (${shown.join(", ")})`;
}
