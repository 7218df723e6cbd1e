import assert from "node:assert/strict";
import { ordersOf } from "../environment.ts";
import { expectAllOk, expectCounts } from "../expect.ts";
import type { Scene } from "../scene.ts";

export const revokedToken: Scene = {
  title: "a revoked token",
  expected: "100 in flight, 1 renewal, 0 fail",
  async run({ security, production, tally }) {
    const orders = ordersOf(production);
    const ordersFetch = security.wrapFetch(orders);
    const { accessToken } = await security.getToken(orders);
    let refused = 0;
    security.on("credentialsRejected", () => refused++);

    production.backend.revoke(accessToken);
    const answers = await tally.getMany(100, ordersFetch, "/orders");

    expectAllOk(answers);
    assert.equal(refused, 100, `${refused} of 100 requests were sent with the revoked token`);
    expectCounts(tally, { calls: 100, tokenRequests: 2, renewals: 1 });
    return undefined;
  },
};
