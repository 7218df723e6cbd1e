import assert from "node:assert/strict";
import type { EndpointConfig } from "endpoint-security";
import { ordersOf } from "../environment.ts";
import { expectAllOk, expectCounts } from "../expect.ts";
import type { Scene } from "../scene.ts";

export const productionAndSandbox: Scene = {
  title: "production and sandbox",
  expected: "a token from each one's own server",
  async run({ security, production, sandbox, tally }) {
    const orders = {
      production: { ...ordersOf(production), name: "production" },
      sandbox: {
        ...ordersOf(sandbox),
        name: "sandbox",
        clientId: "sandbox-checkout",
        clientSecret: "sandbox-checkout-secret",
      },
    } satisfies Record<string, EndpointConfig>;

    const [real, trial] = await Promise.all([
      tally.getMany(10, security.wrapFetch(orders.production), "/orders"),
      tally.getMany(10, security.wrapFetch(orders.sandbox), "/orders"),
    ]);

    expectAllOk([...real, ...trial]);
    for (const { claims } of real) assert.equal(claims.iss, production.idp.issuer);
    for (const { claims } of trial) assert.equal(claims.iss, sandbox.idp.issuer);
    expectCounts(tally, { calls: 20, tokenRequests: 2, renewals: 0 });
    return undefined;
  },
};
