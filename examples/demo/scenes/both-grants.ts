import assert from "node:assert/strict";
import type { EndpointConfig } from "endpoint-security";
import { ordersOf } from "../environment.ts";
import { expectAllOk, expectCounts } from "../expect.ts";
import type { Scene } from "../scene.ts";

export const bothGrants: Scene = {
  title: "both grants",
  expected: "one token for client, one for user",
  async run({ security, production, tally }) {
    const asClient = { ...ordersOf(production), name: "client_credentials" };
    const asUser = {
      ...ordersOf(production),
      name: "password",
      grantType: "password",
      username: "svc",
      password: async () => "svc-password",
    } satisfies EndpointConfig;

    const byClient = await tally.getMany(10, security.wrapFetch(asClient), "/orders");
    const byUser = await tally.getMany(10, security.wrapFetch(asUser), "/orders");

    expectAllOk([...byClient, ...byUser]);
    for (const { claims } of byClient) assert.equal(claims.sub, "checkout");
    for (const { claims } of byUser) assert.equal(claims.sub, "svc");
    expectCounts(tally, { calls: 20, tokenRequests: 2, renewals: 0 });
    return undefined;
  },
};
