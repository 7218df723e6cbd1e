// Run in a process of its own: says how many milliseconds passed until it had a header.
const origin = process.argv[2] ?? "";
const start = performance.now();
const { EndpointSecurity } = await import("endpoint-security");
const header = await new EndpointSecurity().getAuthHeader({
  url: `${origin}/v1`,
  grantType: "client_credentials",
  tokenUrl: `${origin}/token`,
  clientId: "checkout",
  clientSecret: "checkout-secret",
});
const took = performance.now() - start;
if (!header.startsWith("Bearer ")) throw new Error("no header");
process.stdout.write(String(took));
