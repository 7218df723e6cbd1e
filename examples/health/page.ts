/** A health page of an EndpointSecurity: plain HTML, without scripts, readable on a phone. */
import type { Explanation } from "endpoint-security";

const colours = {
  ready: "#1a7f37",
  idle: "#57606a",
  degraded: "#9a6700",
  failing: "#cf222e",
  rejected: "#cf222e",
} satisfies Record<Explanation["state"], string>;

/** What there is to see for an endpoint, where it is known. */
const rows: readonly (readonly [string, (of: Explanation) => string | number | undefined])[] = [
  ["Type", ({ type, grantType }) => (grantType === undefined ? type : `${type}, ${grantType}`)],
  ["Token endpoint", ({ tokenUrl, issuer }) => tokenUrl ?? issuer],
  ["Token", ({ token, source }) => (source === undefined ? token : `${token}, from ${source}`)],
  ["Scope", ({ scope }) => scope],
  ["Expires", ({ expiresAt }) => expiresAt],
  ["Next renewal", ({ nextRenewalAt }) => nextRenewalAt],
  ["Last failure", ({ lastError }) => lastError && `${lastError.at}: ${lastError.code}`],
  ["Next attempt", ({ nextAttemptAt }) => nextAttemptAt],
  ["Forced renewals left", ({ forcedRenewalsLeft }) => forcedRenewalsLeft],
  ["Cache", ({ cache }) => cache && [cache.kind, cache.state].filter(Boolean).join(", ")],
  ["Proxy", ({ transport }) => transport.proxy ?? transport.tokenProxy],
];

export function healthPage(endpoints: readonly Explanation[], now = new Date()): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="10">
<title>Endpoints</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { max-width: 44rem; margin: 0 auto; padding: 1rem; }
  article { border: 1px solid #8884; border-radius: .5rem; padding: 0 1rem; margin: 1rem 0; }
  h2 { display: flex; justify-content: space-between; gap: 1rem; font-size: 1.1rem; overflow-wrap: anywhere; }
  mark { color: #fff; border-radius: 1rem; padding: 0 .75rem; font-size: .9rem; font-weight: normal; align-self: start; }
  dl { display: grid; grid-template-columns: minmax(5.5rem, 28%) 1fr; gap: .25rem 1rem; font-size: .9rem; }
  dt { opacity: .7; }
  dd { margin: 0; overflow-wrap: anywhere; }
</style>
<h1>Endpoints</h1>
<p>${endpoints.length === 0 ? "No endpoint was used yet." : ""} As of ${now.toISOString()}.</p>
${endpoints.map(article).join("\n")}
</html>
`;
}

function article(endpoint: Explanation): string {
  const known = rows
    .map(([name, read]) => [name, read(endpoint)] as const)
    .filter(([, value]) => value !== undefined);
  return `<article>
  <h2>${escaped(endpoint.endpoint)} <mark style="background: ${colours[endpoint.state]}">${endpoint.state}</mark></h2>
  <p>${escaped(endpoint.summary)}</p>
  <dl>${known.map(([name, value]) => `<dt>${name}</dt><dd>${escaped(String(value))}</dd>`).join("")}</dl>
</article>`;
}

/** Messages quote what servers say. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
