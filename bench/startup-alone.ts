// Run in a process of its own: says how long openid-client and Node's fetch take for the same, without us.
const origin = process.argv[2] ?? "";
const start = performance.now();
await import("openid-client");
const body = new URLSearchParams({ grant_type: "client_credentials" });
await (await fetch(`${origin}/token`, { method: "POST", body })).json();
process.stdout.write(String(performance.now() - start));
