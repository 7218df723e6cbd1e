import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { ordersOf } from "../environment.ts";
import { expectAllOk, expectCounts } from "../expect.ts";
import type { Scene } from "../scene.ts";

export const expiredToken: Scene = {
  title: "an expired token",
  expected: "renewed before the backend notices",
  async run({ security, production, tally }) {
    const orders = ordersOf(production);
    const ordersFetch = security.wrapFetch(orders);
    let refused = 0;
    security.on("credentialsRejected", () => refused++);
    production.idp.setAccessTokenTtl(2);
    try {
      const before = await tally.getMany(20, ordersFetch, "/orders");
      const { expiresAt } = await security.getToken(orders);
      await until(() => Date.now() >= expiresAt);
      assert.equal(security.explain(orders).token, "expired");
      const after = await tally.getMany(20, ordersFetch, "/orders");

      expectAllOk([...before, ...after]);
      assert.equal(refused, 0, `the backend refused ${refused} expired tokens`);
      expectCounts(tally, { calls: 40, tokenRequests: 2, renewals: 1 });
    } finally {
      production.idp.setAccessTokenTtl(3_600);
    }
    return undefined;
  },
};

async function until(condition: () => boolean): Promise<void> {
  for (const giveUpAt = Date.now() + 5_000; !condition(); await delay(10)) {
    assert.ok(Date.now() < giveUpAt, "the token did not expire");
  }
}
