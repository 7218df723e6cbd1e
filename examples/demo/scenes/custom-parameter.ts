import assert from "node:assert/strict";
import { ordersOf } from "../environment.ts";
import { expectAllOk, expectCounts } from "../expect.ts";
import type { Scene } from "../scene.ts";

export const customParameter: Scene = {
  title: "a custom parameter",
  expected: "seen in the token, edits too",
  async run({ security, production, tally }) {
    const orders = { ...ordersOf(production), customParameters: { tenant: "acme" } };
    const ordersFetch = security.wrapFetch(orders);

    const acme = await tally.getMany(5, ordersFetch, "/orders");
    // Edited in place: the next call has the token that fits.
    orders.customParameters.tenant = "globex";
    const globex = await tally.getMany(5, ordersFetch, "/orders");

    expectAllOk([...acme, ...globex]);
    for (const { claims } of acme) assert.equal(claims.tenant, "acme");
    for (const { claims } of globex) assert.equal(claims.tenant, "globex");
    expectCounts(tally, { calls: 10, tokenRequests: 2, renewals: 1 });
    return `the backend saw ${[acme, globex].map(([answer]) => `tenant=${answer?.claims.tenant}`).join(", then ")}`;
  },
};
