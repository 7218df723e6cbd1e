// Run in a process of its own: says how long openid-client takes for the same, used by hand.
const origin = process.argv[2] ?? "";
const start = performance.now();
const { headerByHand } = await import("./by-hand.ts");
await headerByHand({
  tokenUrl: `${origin}/token`,
  clientId: "checkout",
  clientSecret: "checkout-secret",
});
process.stdout.write(String(performance.now() - start));
