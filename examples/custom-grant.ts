/** A grant of your own: what it asks of the token endpoint, and what its configuration looks like. */
import assert from "node:assert/strict";
import {
  defineGrant,
  type EndpointConfig,
  EndpointSecurity,
  isEndpointSecurityError,
} from "endpoint-security";
import { z } from "zod";
import { startTerminalServers } from "./local-servers.ts";

const fields = z.strictObject({ store: z.int().positive(), till: z.string().regex(/^T\d+$/) });

/** A till in a shop, which proves itself by its PIN. */
const terminalGrant = defineGrant({
  grantType: "urn:example:grant-type:terminal",
  schema: fields, // any Standard Schema: zod, valibot, arktype, …
  credentials: { pin: "required" }, // in the configuration a string or a function, here a string
  parameterNames: ["store", "till", "pin"],
  parameters: ({ store, till, pin }: z.infer<typeof fields> & { pin: string }) => ({
    store: String(store),
    till,
    pin,
  }),
});

await using servers = await startTerminalServers(
  terminalGrant.grantType,
  ({ store, till, pin }) => store === "17" && till === "T4" && pin === "pin-of-T4",
);

const security = new EndpointSecurity({ grants: [terminalGrant] });

const receipts = {
  url: servers.backendUrl,
  grantType: terminalGrant.grantType,
  tokenUrl: servers.tokenUrl,
  clientId: "checkout",
  clientSecret: "checkout-secret",
  store: 17,
  till: "T4",
  pin: async () => "pin-of-T4", // read anew for each token request: a vault, a file, …
} satisfies EndpointConfig<typeof terminalGrant>;

const response = await security.wrapFetch(receipts)("/receipts");

// So it went:
assert.equal(response.status, 200);
assert.deepEqual(servers.tokenRequests, [
  { grant_type: terminalGrant.grantType, store: "17", till: "T4", pin: "pin-of-T4" },
]);
console.log(`A token by ${terminalGrant.grantType}: the backend answered ${response.status}.`);

// A mistake in the grant's own fields is found by its schema, before anything is sent.
const error = await security.getAuthHeader({ ...receipts, till: "4" }).catch((e: unknown) => e);
assert.ok(isEndpointSecurityError(error) && error.code === "invalid_configuration");
assert.deepEqual(
  error.problems.map(({ path }) => path),
  ["till"],
);
assert.equal(servers.tokenRequests.length, 1);
console.log(`A wrong till was refused: ${error.message}`);
